import { Page } from '../app/page.tsx';

export default function HomePage() {
  return <Page title="Services">{null}</Page>;
}
