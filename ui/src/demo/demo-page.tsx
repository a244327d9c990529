import { Page } from '../app/page.tsx';

export default function DemoPage() {
  return <Page title="Demo faults">{null}</Page>;
}
