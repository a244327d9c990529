import { Page } from '../app/page.tsx';

export default function ExplorePage() {
  return <Page title="Explore">{null}</Page>;
}
