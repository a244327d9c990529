// Attributes as key and value; a value can be copied and searched for.
import { searchHref } from '../app/links.ts';
import { Link } from '../app/router.tsx';
import { Icon } from '../design/icon.tsx';
import { type Attribute, valueText } from './model.ts';
import { sameAttributeQuery } from './span-metrics.ts';

export interface AttributeTableProps {
  attributes: readonly Attribute[];
  /** Where TraceQL finds them; null = no search is offered. */
  scope: 'span' | 'resource' | null;
}

export function AttributeTable({ attributes, scope }: AttributeTableProps) {
  if (attributes.length === 0) return null;
  const sorted = [...attributes].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return (
    <table className="attributes">
      <tbody>
        {sorted.map((a, i) => {
          const query = scope === null ? null : sameAttributeQuery(scope, a);
          const text = valueText(a.value);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: keys may repeat in broken data
            <tr key={`${a.key}/${i}`}>
              <th scope="row" title={a.key}>
                {a.key}
              </th>
              <td className={`value-${a.value.type}`} title={a.value.type}>
                {/^https?:\/\//.test(text) ? (
                  <a href={text} target="_blank" rel="noreferrer">
                    {text}
                  </a>
                ) : text === '' ? (
                  <span className="muted">{a.value.type === 'empty' ? 'no value' : 'empty text'}</span>
                ) : (
                  text
                )}
                {query !== null && (
                  <Link
                    className="attribute-search"
                    href={searchHref({ q: query })}
                    aria-label={`Search for ${a.key} = ${text}`}
                    title={query}
                  >
                    <Icon name="search" size={12} />
                  </Link>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
