// Entry point: puts the application on the page. Knows nothing of pages or data.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './design/tokens.css';
import './design/base.css';
import './design/components.css';
import { App } from './app/app.tsx';
import { reloadWhenStale } from './app/stale-build.ts';
import { startTheme } from './app/theme.ts';

startTheme();
reloadWhenStale();
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
