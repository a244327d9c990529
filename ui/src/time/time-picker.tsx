// The control for the page's time range: quick ranges, free input, shift and zoom, reload and its period.
import { type FormEvent, useCallback, useState } from 'react';
import { Button, IconButton } from '../design/button.tsx';
import { Icon } from '../design/icon.tsx';
import { Popover } from '../design/popover.tsx';
import {
  absoluteRange,
  boundFromInput,
  describeBound,
  describeRange,
  formatDateTime,
  quickRanges,
  resolveRange,
  shiftRange,
  zoomOut,
} from './range.ts';
import { useTime } from './time-context.tsx';
import './time-picker.css';

const periods = ['', '5s', '10s', '30s', '1m', '5m'];

function RangeForm({ onDone }: { onDone: () => void }) {
  const { raw, setRange } = useTime();
  const [from, setFrom] = useState(() => describeBound(raw.from));
  const [to, setTo] = useState(() => describeBound(raw.to));
  const [problem, setProblem] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const next = { from: boundFromInput(from), to: boundFromInput(to) };
    if (next.from === null || next.to === null) {
      setProblem('Write a time as now-1h, 2026-11-21 10:30 or milliseconds.');
      return;
    }
    if (resolveRange({ from: next.from, to: next.to }, Date.now()) === null) {
      setProblem('The range ends before it begins.');
      return;
    }
    setRange({ from: next.from, to: next.to });
    onDone();
  };
  return (
    <form className="time-form" onSubmit={submit}>
      <label>
        From
        <input
          className="input mono"
          value={from}
          onChange={(e) => setFrom(e.target.value)}
          spellCheck={false}
        />
      </label>
      <label>
        To
        <input className="input mono" value={to} onChange={(e) => setTo(e.target.value)} spellCheck={false} />
      </label>
      {problem && (
        <p className="time-problem" role="alert">
          {problem}
        </p>
      )}
      <Button kind="primary" type="submit">
        Apply
      </Button>
      <p className="muted">Times are local: {Intl.DateTimeFormat().resolvedOptions().timeZone}.</p>
    </form>
  );
}

export function TimePicker({ withRefresh = true }: { withRefresh?: boolean }) {
  const { raw, range, invalid, refresh, setRange, setRefresh, reload } = useTime();
  const [open, setOpen] = useState(false);
  const [periodOpen, setPeriodOpen] = useState(false);
  const close = useCallback(() => setOpen(false), []);
  const closePeriods = useCallback(() => setPeriodOpen(false), []);
  const exact = `${formatDateTime(range.fromMs)} – ${formatDateTime(range.toMs)}`;
  return (
    <div className="time-picker">
      <IconButton
        icon="chevronLeft"
        label="Earlier by half the range"
        onClick={() => setRange(absoluteRange(shiftRange(range, -0.5)))}
      />
      <Popover
        open={open}
        onClose={close}
        label="Time range"
        align="right"
        anchor={
          <Button icon="clock" title={exact} aria-expanded={open} onClick={() => setOpen(!open)}>
            <span className="truncate time-label">{describeRange(raw)}</span>
            <Icon name="chevronDown" size={12} />
          </Button>
        }
      >
        <div className="time-panel">
          <RangeForm onDone={close} />
          <div className="time-quick">
            {quickRanges.map((quick) => (
              <button
                key={quick.name}
                type="button"
                className="menu-item"
                aria-current={quick.range.from === raw.from && quick.range.to === raw.to}
                onClick={() => {
                  setRange(quick.range);
                  close();
                }}
              >
                {quick.name}
              </button>
            ))}
          </div>
        </div>
      </Popover>
      <IconButton
        icon="chevronRight"
        label="Later by half the range"
        onClick={() => setRange(absoluteRange(shiftRange(range, 0.5)))}
      />
      <IconButton
        icon="zoomOut"
        label="Twice the range"
        onClick={() => setRange(absoluteRange(zoomOut(range, Date.now())))}
      />
      {withRefresh && (
        <div className="button-group">
          <Button icon="refresh" aria-label="Reload" title="Reload" onClick={reload} />
          <Popover
            open={periodOpen}
            onClose={closePeriods}
            label="Automatic reload"
            align="right"
            anchor={
              <Button
                aria-expanded={periodOpen}
                title="Automatic reload"
                aria-label={`Automatic reload: ${refresh || 'off'}`}
                onClick={() => setPeriodOpen(!periodOpen)}
              >
                {refresh || 'Off'}
                <Icon name="chevronDown" size={12} />
              </Button>
            }
          >
            <div className="time-periods">
              {periods.map((period) => (
                <button
                  key={period}
                  type="button"
                  className="menu-item"
                  aria-current={period === refresh}
                  onClick={() => {
                    setRefresh(period);
                    closePeriods();
                  }}
                >
                  {period || 'Off'}
                </button>
              ))}
            </div>
          </Popover>
        </div>
      )}
      {invalid && (
        <span className="badge warn" title="The URL's from and to cannot be read">
          range not understood
        </span>
      )}
    </div>
  );
}
