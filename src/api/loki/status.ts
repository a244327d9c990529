/** Status, readiness, configuration, rules: what clients ask besides logs. */

import { HttpError, type HttpResponse, type Route } from '../../http/handler.ts';
import type { LokiContext } from './context.ts';
import { json } from './json.ts';

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const YAML = { 'content-type': 'text/yaml; charset=utf-8' };

const text = (body: string, headers: Readonly<Record<string, string>> = TEXT): HttpResponse => ({
  status: 200,
  headers,
  body,
});

export function statusRoutes(context: LokiContext): Route[] {
  const { deps } = context;
  const get = ['GET'];
  return [
    {
      methods: get,
      path: '/loki/api/v1/status/buildinfo',
      handler: () => {
        const { version, revision, branch, buildDate } = deps.buildInfo;
        return json({ version, revision, branch, buildDate, buildUser: '', goVersion: '' });
      },
    },
    {
      methods: get,
      path: '/ready',
      handler: async () => {
        if (deps.ready !== undefined && !(await deps.ready())) throw new HttpError(503, 'not ready');
        return text('ready\n');
      },
    },
    { methods: get, path: '/config', handler: () => text(deps.configText?.() ?? '', YAML) },
    { methods: get, path: '/services', handler: () => text('server => Running\n') },
    {
      methods: get,
      path: '/loki/api/v1/rules',
      handler: async (request) => text((await deps.rules?.configText(request.tenant)) ?? '{}\n', YAML),
    },
    {
      methods: get,
      path: '/prometheus/api/v1/rules',
      handler: async (request) => {
        const groups = (await deps.rules?.groups(request.tenant)) ?? [];
        return json({ status: 'success', data: { groups }, errorType: '', error: '' });
      },
    },
    {
      methods: get,
      path: '/prometheus/api/v1/alerts',
      handler: async (request) => {
        const alerts = (await deps.rules?.alerts(request.tenant)) ?? [];
        return json({ status: 'success', data: { alerts }, errorType: '', error: '' });
      },
    },
  ];
}
