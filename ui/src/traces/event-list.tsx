// Events of a span in order of time; exceptions with their stack trace set out.
import { AttributeTable } from './attribute-table.tsx';
import { attributeText, type Span, type SpanEvent } from './model.ts';
import { durationText } from './span-time.ts';
import { exactMomentText } from './trace-facts.tsx';

const EXCEPTION_KEYS = new Set(['exception.type', 'exception.message', 'exception.stacktrace']);

export function EventList({ span }: { span: Span }) {
  const sorted = [...span.events].sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
  return (
    <ol className="events">
      {sorted.map((event, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: events never move
        <li key={i}>
          <Event event={event} startNs={span.startNs} />
        </li>
      ))}
    </ol>
  );
}

function Event({ event, startNs }: { event: SpanEvent; startNs: bigint }) {
  const type = attributeText(event.attributes, 'exception.type');
  const message = attributeText(event.attributes, 'exception.message');
  const stack = attributeText(event.attributes, 'exception.stacktrace');
  const isException = event.name === 'exception' || type !== '' || stack !== '';
  const rest = isException ? event.attributes.filter((a) => !EXCEPTION_KEYS.has(a.key)) : event.attributes;
  return (
    <>
      <div className="event-head">
        <span className={isException ? 'event-name bad' : 'event-name'}>
          {isException ? [type || event.name, message].filter((t) => t !== '').join(': ') : event.name}
        </span>
        <time className="muted" title={exactMomentText(event.timeNs)}>
          +{durationText(Number(event.timeNs - startNs))}
        </time>
      </div>
      {stack !== '' && <pre className="stack">{stack}</pre>}
      <AttributeTable attributes={rest} scope={null} />
      {event.droppedAttributes > 0 && (
        <p className="muted">{event.droppedAttributes} attributes were dropped by the SDK.</p>
      )}
    </>
  );
}
