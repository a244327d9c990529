import { Page } from '../app/page.tsx';
import { TimePicker } from '../time/time-picker.tsx';

export default function SearchPage() {
  return (
    <Page title="Traces" actions={<TimePicker />}>
      {null}
    </Page>
  );
}
