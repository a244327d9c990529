// What an unknown address shows.
import { EmptyState } from '../design/states.tsx';
import { Page } from './page.tsx';
import { Link } from './router.tsx';

export function NotFound({ path }: { path: string }) {
  return (
    <Page title="Not found">
      <EmptyState title="There is no such page" action={<Link href="/">Go to the first page</Link>}>
        <code>{path}</code>
      </EmptyState>
    </Page>
  );
}
