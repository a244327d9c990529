// Buttons: plain, primary, ghost (no frame) and small.
import type { ButtonHTMLAttributes, Ref } from 'react';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: 'plain' | 'primary' | 'ghost';
  size?: 'normal' | 'small';
  icon?: IconName;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({
  kind = 'plain',
  size = 'normal',
  icon,
  className = '',
  children,
  ...rest
}: ButtonProps) {
  const classes = `button ${kind} ${size} ${children === undefined ? 'icon-only' : ''} ${className}`;
  return (
    <button type="button" className={classes} {...rest}>
      {icon && <Icon name={icon} size={size === 'small' ? 14 : 16} />}
      {children}
    </button>
  );
}

/** A button with an icon only; `label` names it for the keyboard and screen readers. */
export function IconButton({ label, ...rest }: ButtonProps & { label: string; icon: IconName }) {
  return <Button kind="ghost" aria-label={label} title={label} {...rest} />;
}
