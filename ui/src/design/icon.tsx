// Line icons, drawn here: 16 x 16, one stroke, the colour of the text around them.
import type { ReactNode } from 'react';

const shapes = {
  brand: (
    <>
      <path d="M8 8V2M8 8l-5 5M8 8l5 5" strokeWidth="1.9" />
      <circle cx="8" cy="8" r="1.7" fill="currentColor" />
    </>
  ),
  home: (
    <path d="M2 4.5h4v7H2zM10 2.5h4v4h-4zM10 9.500h4v4h-4zM6 8h2.500M8.500 8V4.500H10M8.500 8v3.500H10" />
  ),
  explore: <path d="M2 13.500h12M3 11l3-4 2.500 2L13 3.500" />,
  trace: <path d="M2 3.500h8M4 6.500h7M6 9.500h4M7 12.500h7" strokeWidth="1.8" />,
  status: <path d="M1.500 8.500h3L6.500 3l3 10 2-4.500h3" />,
  demo: <path d="M9 1.500 3.500 9H8l-1 5.500L12.500 7H8z" />,
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.500v1.500M8 13v1.500M1.500 8H3M13 8h1.500M3.400 3.400l1 1M11.600 11.600l1 1M12.600 3.400l-1 1M4.400 11.600l-1 1" />
    </>
  ),
  moon: <path d="M13.500 9.500A5.800 5.800 0 0 1 6.500 2.500a5.800 5.800 0 1 0 7 7z" />,
  system: <path d="M2 3h12v8H2zM6 13.500h4M8 11v2.500" />,
  clock: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.500V8l2.500 1.500" />
    </>
  ),
  chevronDown: <path d="m4 6 4 4 4-4" />,
  chevronRight: <path d="m6 4 4 4-4 4" />,
  chevronLeft: <path d="m10 4-4 4 4 4" />,
  refresh: <path d="M13.500 8a5.500 5.500 0 1 1-1.600-3.900M13.500 1.800v3h-3" />,
  play: <path d="M4.500 3v10l8.500-5z" fill="currentColor" />,
  stop: <path d="M4 4h8v8H4z" fill="currentColor" />,
  plus: <path d="M8 3v10M3 8h10" />,
  minus: <path d="M3 8h10" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  copy: <path d="M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3" />,
  check: <path d="m3 8.500 3.500 3.500L13 5" />,
  link: <path d="M6.500 9.500 14 2M9.500 2H14v4.500M12 9v4.500H2.500V4H7" />,
  history: <path d="M2.500 8a5.500 5.500 0 1 0 1.600-3.900M2.500 1.800v3h3M8 5v3l2 1.500" />,
  logs: <path d="M2 3.500h1M5 3.500h9M2 6.500h1M5 6.500h7M2 9.500h1M5 9.500h9M2 12.500h1M5 12.500h5" />,
  alert: <path d="M8 2 1.500 13.500h13zM8 6.500v3M8 11.500v.200" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.500" />
      <path d="m10.500 10.500 3.500 3.500" />
    </>
  ),
  zoomOut: (
    <>
      <circle cx="7" cy="7" r="4.500" />
      <path d="m10.500 10.500 3.500 3.500M5 7h4" />
    </>
  ),
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof shapes;

/** Decorative by default; give the button or link around it a name. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {shapes[name]}
    </svg>
  );
}
