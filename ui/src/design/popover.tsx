// A panel that hangs from a button: closes on Escape, on a click outside and when focus leaves.
import { type ReactNode, useEffect, useRef } from 'react';

export interface PopoverProps {
  open: boolean;
  onClose: () => void;
  /** The button; stays visible. */
  anchor: ReactNode;
  label: string;
  align?: 'left' | 'right';
  children: ReactNode;
}

export function Popover({ open, onClose, anchor, label, align = 'left', children }: PopoverProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) onClose();
    };
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      onClose();
      box.current?.querySelector<HTMLElement>('button')?.focus();
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('keydown', onEscape);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('keydown', onEscape);
    };
  }, [open, onClose]);
  return (
    <div className="popover-anchor" ref={box}>
      {anchor}
      {open && (
        <div className={`popover ${align}`} role="dialog" aria-label={label}>
          {children}
        </div>
      )}
    </div>
  );
}
