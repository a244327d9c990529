// A tooltip on hover and focus, above its anchor. For text only; links and buttons belong in a popover.
import { type ReactNode, useId } from 'react';

export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <span className="tooltip-anchor" aria-describedby={id}>
      {children}
      <span className="tooltip" role="tooltip" id={id}>
        {text}
      </span>
    </span>
  );
}
