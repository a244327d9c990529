// The navigation rail: pages, the theme switch, and the demo's entry when a demo is running.
import { type ReactNode, useEffect, useState } from 'react';
import { fetchFaults } from '../api/demo.ts';
import { Icon, type IconName } from '../design/icon.tsx';
import { keepTime } from './links.ts';
import { Link, useSearch } from './router.tsx';
import { setThemeChoice, type ThemeChoice, useThemeChoice } from './theme.ts';

interface Entry {
  href: string;
  label: string;
  icon: IconName;
  /** Further paths that belong to the entry. */
  also?: RegExp;
  hint?: string;
}

const entries: readonly Entry[] = [
  { href: '/', label: 'Services', icon: 'home', hint: 'g h' },
  { href: '/explore', label: 'Explore', icon: 'explore', hint: 'g e' },
  { href: '/search', label: 'Traces', icon: 'trace', also: /^\/trace\//, hint: 'g t' },
  { href: '/status', label: 'Status', icon: 'status', hint: 'g s' },
];

const demoEntry: Entry = { href: '/demo', label: 'Demo faults', icon: 'demo' };

/** Whether this Trivium runs the demo (`GET /api/demo/faults` answers). Asked once per load. */
function useDemo(): boolean {
  const [running, setRunning] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    fetchFaults({ signal: abort.signal }).then(
      () => setRunning(true),
      () => setRunning(false),
    );
    return () => abort.abort();
  }, []);
  return running;
}

const nextChoice: Record<ThemeChoice, ThemeChoice> = { system: 'light', light: 'dark', dark: 'system' };
const choiceIcon: Record<ThemeChoice, IconName> = { system: 'system', light: 'sun', dark: 'moon' };

function ThemeSwitch() {
  const choice = useThemeChoice();
  return (
    <button
      type="button"
      className="nav-item"
      onClick={() => setThemeChoice(nextChoice[choice])}
      title={`Theme: ${choice}. Click for ${nextChoice[choice]}.`}
      aria-label={`Theme: ${choice}`}
    >
      <Icon name={choiceIcon[choice]} />
      <span className="nav-label">Theme: {choice}</span>
    </button>
  );
}

export function Nav({ path, onSearch }: { path: string; onSearch: () => void }): ReactNode {
  const search = useSearch();
  const demo = useDemo();
  const shown = demo ? [...entries, demoEntry] : entries;
  return (
    <nav className="nav" aria-label="Pages">
      <Link className="nav-brand" href={keepTime('/', search)} title="Trivium">
        <Icon name="brand" />
        <span className="nav-label">Trivium</span>
      </Link>
      {shown.map((entry) => {
        const current = path === entry.href || (entry.also?.test(path) ?? false);
        return (
          <Link
            key={entry.href}
            href={keepTime(entry.href, search)}
            className="nav-item"
            aria-current={current ? 'page' : undefined}
            title={entry.hint ? `${entry.label} (${entry.hint})` : entry.label}
          >
            <Icon name={entry.icon} />
            <span className="nav-label">{entry.label}</span>
          </Link>
        );
      })}
      <div className="spacer" />
      <button
        type="button"
        className="nav-item"
        onClick={onSearch}
        title="Go to a page, service or trace (Ctrl+K)"
      >
        <Icon name="search" />
        <span className="nav-label">Go to</span>
        <kbd className="nav-label">Ctrl K</kbd>
      </button>
      <ThemeSwitch />
    </nav>
  );
}
