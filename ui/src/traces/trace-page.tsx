import { Page } from '../app/page.tsx';

export default function TracePage({ traceId }: { traceId: string }) {
  return <Page title={`Trace ${traceId}`}>{null}</Page>;
}
