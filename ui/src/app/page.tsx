// The frame of every page: title, actions on the right (time picker and the like), content.
import { type ReactNode, useEffect } from 'react';

export interface PageProps {
  title: string;
  /** Beside the title: tabs, badges, a breadcrumb. */
  lead?: ReactNode;
  /** On the right: the time picker, buttons. */
  actions?: ReactNode;
  /** Content reaches the edges and the page takes the height of the window. */
  flush?: boolean;
  children: ReactNode;
}

export function Page({ title, lead, actions, flush = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Trivium`;
  }, [title]);
  return (
    <div className={flush ? 'page-frame flush' : 'page-frame'}>
      <header className="page-header">
        <h1 className="truncate" title={title}>
          {title}
        </h1>
        {lead}
        <div className="spacer" />
        {actions}
      </header>
      <main id="main" tabIndex={-1} className={flush ? 'page-body flush' : 'page-body'}>
        {children}
      </main>
    </div>
  );
}
