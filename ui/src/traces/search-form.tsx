// The form above the query: writes TraceQL as it is filled in; the text can be edited as well. A text that
// the form cannot say locks the form until it is cleared.
import { type FormEvent, type KeyboardEvent, lazy, Suspense, useId, useState } from 'react';
import { tagValues } from '../api/tempo.ts';
import { useRequest } from '../api/use-request.ts';
import { quoteLiteral } from '../app/links.ts';
import { Button, IconButton } from '../design/button.tsx';
import type { ResolvedRange } from '../time/range.ts';
import {
  EMPTY_FORM,
  type SearchForm as Form,
  fromTraceql,
  OPERATORS,
  type Operator,
  type TagFilter,
  toTraceql,
} from './search-query.ts';
import { parseDurationNs } from './visible-rows.ts';

const QueryEditor = lazy(() => import('../editor/query-editor.tsx'));

export interface SearchFormProps {
  /** The query that was run last. */
  query: string;
  /** What the server said to it, if it failed. */
  error: string | undefined;
  range: ResolvedRange;
  onRun: (query: string) => void;
}

export function SearchForm({ query, error, range, onRun }: SearchFormProps) {
  const [text, setText] = useState(query);
  const [form, setForm] = useState<Form>(() => fromTraceql(query) ?? EMPTY_FORM);
  const [locked, setLocked] = useState(() => fromTraceql(query) === null);
  const [seen, setSeen] = useState(query);
  const edit = (next: string): void => {
    setText(next);
    const read = fromTraceql(next);
    setLocked(read === null);
    if (read !== null) setForm(read);
  };
  if (seen !== query) {
    setSeen(query);
    if (query !== text) edit(query);
  }
  const change = (changes: Partial<Form>): void => {
    const next = { ...form, ...changes };
    setForm(next);
    setText(toTraceql(next));
  };
  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    onRun(text.trim() === '' ? '{}' : text.trim());
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  };
  const tag = (at: number, changes: Partial<TagFilter>): void =>
    change({ tags: form.tags.map((t, i) => (i === at ? { ...t, ...changes } : t)) });
  return (
    <form className="panel search-form" onSubmit={submit} aria-label="Search for traces">
      <fieldset disabled={locked} className={locked ? 'search-locked' : ''} style={{ all: 'unset' }}>
        <div className="search-fields">
          <Suggested
            label="Service"
            tag="resource.service.name"
            value={form.service}
            range={range}
            onChange={(service) => change({ service })}
          />
          <Suggested
            label="Span name"
            tag="name"
            value={form.name}
            range={range}
            {...(form.service === ''
              ? {}
              : { within: `{ resource.service.name = ${quoteLiteral(form.service)} }` })}
            onChange={(name) => change({ name })}
          />
          <label className="search-field short">
            Status
            <select
              className="input"
              value={form.status}
              onChange={(e) => change({ status: e.target.value as Form['status'] })}
            >
              <option value="">any</option>
              <option value="error">error</option>
              <option value="ok">ok</option>
              <option value="unset">unset</option>
            </select>
          </label>
          <DurationField
            label="At least"
            value={form.minDuration}
            placeholder="100ms"
            onChange={(minDuration) => change({ minDuration })}
          />
          <DurationField
            label="At most"
            value={form.maxDuration}
            placeholder="2s"
            onChange={(maxDuration) => change({ maxDuration })}
          />
          <Button
            icon="plus"
            onClick={() => change({ tags: [...form.tags, { key: '', operator: '=', value: '' }] })}
          >
            Attribute
          </Button>
        </div>
        {form.tags.length > 0 && (
          <div className="search-tags" style={{ marginTop: 10 }}>
            {form.tags.map((t, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
              <div key={i} className="search-tag">
                <input
                  className="input mono"
                  aria-label="Attribute"
                  placeholder="span.http.route"
                  value={t.key}
                  onChange={(e) => tag(i, { key: e.target.value })}
                  spellCheck={false}
                />
                <select
                  className="input"
                  aria-label="Comparison"
                  value={t.operator}
                  onChange={(e) => tag(i, { operator: e.target.value as Operator })}
                >
                  {OPERATORS.map((operator) => (
                    <option key={operator}>{operator}</option>
                  ))}
                </select>
                <AttributeValue
                  value={t.value}
                  tagKey={t.key}
                  range={range}
                  onChange={(value) => tag(i, { value })}
                />
                <IconButton
                  icon="close"
                  size="small"
                  label="Remove this attribute"
                  onClick={() => change({ tags: form.tags.filter((_, at) => at !== i) })}
                />
              </div>
            ))}
          </div>
        )}
      </fieldset>
      <div className="search-query">
        <Suspense
          fallback={
            <textarea
              className="query-editor-fallback"
              aria-label="TraceQL query"
              rows={1}
              value={text}
              onChange={(e) => edit(e.target.value)}
              onKeyDown={onKeyDown}
              spellCheck={false}
            />
          }
        >
          <QueryEditor
            language="traceql"
            value={text}
            onChange={edit}
            onRun={submit}
            error={text === query ? error : undefined}
            range={range}
            placeholder="TraceQL"
          />
        </Suspense>
        <Button type="submit" kind="primary" icon="search">
          Search
        </Button>
        {(locked || text !== '{}') && (
          <Button kind="ghost" onClick={() => edit('{}')}>
            Clear
          </Button>
        )}
      </div>
      {locked && (
        <p className="muted">This query says more than the form can; edit it as text, or clear it.</p>
      )}
    </form>
  );
}

interface SuggestedProps {
  label: string;
  /** The TraceQL name whose values are suggested. */
  tag: string;
  value: string;
  range: ResolvedRange;
  /** Suggest only values of spans that this query finds. */
  within?: string;
  onChange: (value: string) => void;
}

/** A text field with the values that occur; they are asked for when the field is first entered. */
function Suggested({ label, onChange, value, ...asked }: SuggestedProps) {
  const [entered, setEntered] = useState(false);
  const id = useId();
  return (
    <label className="search-field">
      {label}
      <input
        className="input"
        list={id}
        value={value}
        onFocus={() => setEntered(true)}
        onChange={(e) => onChange(e.target.value)}
        placeholder="any"
        spellCheck={false}
      />
      <datalist id={id}>{entered && <Options {...asked} />}</datalist>
    </label>
  );
}

function AttributeValue({
  value,
  tagKey,
  range,
  onChange,
}: {
  value: string;
  tagKey: string;
  range: ResolvedRange;
  onChange: (value: string) => void;
}) {
  const [entered, setEntered] = useState(false);
  const id = useId();
  const key = tagKey.trim();
  const scoped = /^(span|resource|event|link|instrumentation)\../.test(key)
    ? key
    : `.${key.replace(/^\./, '')}`;
  return (
    <>
      <input
        className="input mono"
        aria-label="Value"
        placeholder="value"
        list={id}
        value={value}
        onFocus={() => setEntered(true)}
        onChange={(e) => onChange(e.target.value)}
        spellCheck={false}
      />
      <datalist id={id}>{entered && key !== '' && <Options tag={scoped} range={range} />}</datalist>
    </>
  );
}

const MOST_OPTIONS = 300;

function Options({ tag, range, within }: { tag: string; range: ResolvedRange; within?: string }) {
  const { data } = useRequest(`${tag}|${within ?? ''}|${range.fromMs}|${range.toMs}`, (signal) =>
    tagValues({ tag, fromMs: range.fromMs, toMs: range.toMs, q: within }, { signal }),
  );
  const values = [...new Set((data ?? []).map((v) => v.value))].sort().slice(0, MOST_OPTIONS);
  return values.map((v) => <option key={v} value={v} />);
}

interface DurationFieldProps {
  label: string;
  value: string;
  placeholder: string;
  onChange: (value: string) => void;
}

function DurationField({ label, value, placeholder, onChange }: DurationFieldProps) {
  const wrong = value.trim() !== '' && parseDurationNs(value) === null;
  return (
    <label className="search-field short">
      {label}
      <input
        className="input"
        value={value}
        placeholder={placeholder}
        aria-invalid={wrong}
        title={wrong ? 'Write a duration as 250ms, 1.5s or 1m30s' : 'Duration of the span'}
        onChange={(e) => onChange(e.target.value)}
        spellCheck={false}
      />
    </label>
  );
}
