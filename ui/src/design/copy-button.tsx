// Copies a text to the clipboard and says so.
import { useEffect, useState } from 'react';
import { Button } from './button.tsx';

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard API on plain-http origins other than loopback: the old way still works there.
    const area = document.createElement('textarea');
    area.value = text;
    area.style.position = 'fixed';
    area.style.opacity = '0';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [state, setState] = useState<'idle' | 'done' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), 1500);
    return () => clearTimeout(timer);
  }, [state]);
  const onClick = () => copyText(text).then((done) => setState(done ? 'done' : 'failed'));
  return (
    <Button
      size="small"
      kind="ghost"
      icon={state === 'done' ? 'check' : 'copy'}
      onClick={onClick}
      title={label}
    >
      {state === 'done' ? 'Copied' : state === 'failed' ? 'Not allowed' : label}
    </Button>
  );
}
