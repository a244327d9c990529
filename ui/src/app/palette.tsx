// The palette (Ctrl+K): to any page or service by a few letters, to a trace by its id.
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { tagValues } from '../api/tempo.ts';
import { useRequest } from '../api/use-request.ts';
import { useTime } from '../time/time-context.tsx';
import { paletteEntries } from './palette-entries.ts';
import { navigate } from './router.tsx';
import './palette.css';

export default function Palette({ onClose }: { onClose: () => void }) {
  const { range, raw } = useTime();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  // Without an answer the pages and trace ids still work.
  const services = useRequest('services', (signal) =>
    tagValues({ tag: 'resource.service.name', ...range }, { signal }),
  );
  const time = raw.from === 'now-30m' ? {} : raw;
  const names = (services.data ?? []).map((one) => one.value);
  const entries = paletteEntries(text, names, time);
  const at = Math.min(chosen, entries.length - 1);

  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const go = (index: number) => {
    const entry = entries[index];
    if (!entry) return;
    onClose();
    navigate(entry.href);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setChosen(Math.min(at + 1, entries.length - 1));
    else if (event.key === 'ArrowUp') setChosen(Math.max(at - 1, 0));
    else if (event.key === 'Enter') go(at);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      className="palette"
      ref={dialog}
      aria-label="Go to"
      onClose={onClose}
      onPointerDown={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <input
        className="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={entries[at] ? `palette-${at}` : undefined}
        aria-label="Page, service or trace id"
        placeholder="Page, service or trace id"
        value={text}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
      />
      <div className="palette-list" id="palette-list" role="listbox" aria-label="Targets">
        {entries.map((entry, i) => (
          <button
            key={`${entry.label}${entry.detail}`}
            id={`palette-${i}`}
            type="button"
            role="option"
            tabIndex={-1}
            className="menu-item palette-entry"
            aria-selected={i === at}
            onPointerEnter={() => setChosen(i)}
            onClick={() => go(i)}
          >
            <span className="truncate">{entry.label}</span>
            <span className="muted">{entry.detail}</span>
          </button>
        ))}
        {entries.length === 0 && <p className="muted">Nothing has this name.</p>}
      </div>
    </dialog>
  );
}
