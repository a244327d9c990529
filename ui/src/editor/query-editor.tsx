// The query editor: CodeMirror with the language's grammar and completion, the server's error
// underlined where it points. A chunk of its own; pages show a plain text field until it is there.
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap, setDiagnostics } from '@codemirror/lint';
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state';
import { drawSelection, EditorView, highlightSpecialChars, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import type { QueryLanguage } from '../app/links.ts';
import type { ResolvedRange } from '../time/range.ts';
import { errorPosition } from './error-position.ts';
import './editor.css';

export interface QueryEditorProps {
  language: QueryLanguage;
  value: string;
  onChange: (value: string) => void;
  onRun: () => void;
  /** The server's message about `value`, if the last run failed. */
  error?: string | undefined;
  range: ResolvedRange;
  placeholder: string;
  autoFocus?: boolean;
}

const highlightStyle = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--syntax-comment)', fontStyle: 'italic' },
  { tag: [tags.labelName, tags.propertyName], color: 'var(--syntax-label)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syntax-string)' },
  { tag: [tags.number, tags.bool], color: 'var(--syntax-number)' },
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--syntax-keyword)' },
  { tag: tags.function(tags.variableName), color: 'var(--syntax-function)' },
  { tag: tags.variableName, color: 'var(--syntax-name)' },
  { tag: [tags.operator, tags.punctuation], color: 'var(--syntax-operator)' },
]);

/** Each language is a chunk of its own. */
async function loadLanguage(language: QueryLanguage, range: () => ResolvedRange): Promise<Extension> {
  if (language === 'promql') return (await import('./promql.ts')).promql();
  if (language === 'logql') return (await import('./logql.ts')).logql(range);
  return (await import('./traceql.ts')).traceql(range);
}

export default function QueryEditor(props: QueryEditorProps) {
  const { language, value, error } = props;
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const languageSlot = useRef(new Compartment());

  useEffect(() => {
    if (!box.current) return;
    const run = () => {
      latest.current.onRun();
      return true;
    };
    const created = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          Prec.highest(
            keymap.of([
              { key: 'Mod-Enter', run },
              { key: 'Shift-Enter', run },
            ]),
          ),
          keymap.of([
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            ...lintKeymap,
          ]),
          history(),
          highlightSpecialChars(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false, maxRenderedOptions: 80 }),
          syntaxHighlighting(highlightStyle),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'Query', spellcheck: 'false' }),
          languageSlot.current.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = created;
    if (latest.current.autoFocus) created.focus();
    return () => {
      created.destroy();
      view.current = null;
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the placeholder goes with the language
  useEffect(() => {
    let stale = false;
    const apply = (extension: Extension) => {
      if (stale) return;
      view.current?.dispatch({
        effects: languageSlot.current.reconfigure([extension, placeholder(props.placeholder)]),
      });
    };
    apply([]);
    loadLanguage(language, () => latest.current.range).then(apply, (error: unknown) => {
      console.error('the language of the editor could not be loaded', error); // plain text then
    });
    return () => {
      stale = true;
    };
  }, [language]);

  useEffect(() => {
    const current = view.current;
    if (!current || current.state.doc.toString() === value) return;
    current.dispatch({
      changes: { from: 0, to: current.state.doc.length, insert: value },
      selection: { anchor: value.length },
    });
  }, [value]);

  useEffect(() => {
    const current = view.current;
    if (!current) return;
    const text = current.state.doc.toString();
    const span = error === undefined ? null : errorPosition(error, text);
    const diagnostics =
      span && error !== undefined ? [{ ...span, severity: 'error' as const, message: error }] : [];
    current.dispatch(setDiagnostics(current.state, diagnostics));
  }, [error]);

  return <div className="query-editor" ref={box} />;
}
