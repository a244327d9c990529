// The snippets in tabs, each to be copied with one click.
import { useState } from 'react';
import type { ListenerStatus } from '../api/status.ts';
import { CopyButton } from '../design/copy-button.tsx';
import { Notice } from '../design/states.tsx';
import { Tabs } from '../design/tabs.tsx';
import { onlyLocal, snippets } from './snippets.ts';

export function GettingStarted({ listeners }: { listeners: readonly ListenerStatus[] }) {
  const { hostname, origin } = window.location;
  const all = snippets(listeners, hostname, origin);
  const [chosen, setChosen] = useState('node');
  const snippet = all.find((one) => one.id === chosen) ?? all[0];
  if (!snippet) return null;
  return (
    <section className="panel getting-started" aria-label="How to send data">
      <Tabs
        label="Kind of sender"
        tabs={all.map(({ id, title }) => ({ id, label: title }))}
        value={snippet.id}
        onChange={setChosen}
      />
      <div className="panel-body">
        <div className="snippet-head">
          <p>{snippet.note}</p>
          <CopyButton text={snippet.text} />
        </div>
        <pre className="snippet">{snippet.text}</pre>
        {onlyLocal(listeners) && (
          <Notice>
            Trivium listens on this machine only. Start it with <code>--listen 0.0.0.0</code> to receive from
            others.
          </Notice>
        )}
      </div>
    </section>
  );
}
