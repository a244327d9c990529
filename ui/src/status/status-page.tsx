import { Page } from '../app/page.tsx';

export default function StatusPage() {
  return <Page title="Status">{null}</Page>;
}
