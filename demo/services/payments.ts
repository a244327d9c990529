/**
 * Payments: books a charge and has it authorised by an acquirer outside (a simulated client span).
 * Fault here: the acquirer fails for a good part of the charges.
 */
import { metrics, SpanKind, SpanStatusCode, trace, ValueType } from '@opentelemetry/api';
import { Database } from '../database.ts';
import { currentFate, pause } from '../fate.ts';
import { faultEnabled } from '../faults.ts';
import { ServiceError } from '../http.ts';
import { log, logError, tenths } from '../log.ts';
import { hash32 } from '../random.ts';
import { type ServiceFactory, text, whole } from '../service.ts';

const acquirerHost = 'api.acquirer.example';

export const payments: ServiceFactory = () => {
  const database = new Database('payments-db');
  const tracer = trace.getTracer('shop.payments', '1.4.2');
  const meter = metrics.getMeter('shop.payments');
  const charges = meter.createCounter('payments', {
    unit: '{payment}',
    description: 'Charges by method and outcome.',
    valueType: ValueType.INT,
  });
  const amounts = meter.createHistogram('payment.amount', {
    unit: 'EUR',
    description: 'Charged amounts.',
    advice: { explicitBucketBoundaries: [5, 10, 20, 50, 100, 200, 500] },
  });

  /** Asks the acquirer; 200, 402 (declined) or 503. Only its client span shows that it exists. */
  const authorise = (method: string, amountCents: number): Promise<number> =>
    tracer.startActiveSpan(
      'POST /v1/charges',
      {
        kind: SpanKind.CLIENT,
        attributes: {
          'http.request.method': 'POST',
          'server.address': acquirerHost,
          'server.port': 443,
          'url.full': `https://${acquirerHost}/v1/charges`,
          'url.template': '/v1/charges',
          'peer.service': 'acquirer',
          'payment.method': method,
          'payment.amount_cents': amountCents,
        },
      },
      async (span) => {
        const fate = currentFate();
        const failing = faultEnabled('payment-errors') ? 0.4 : 0.002;
        const failed = fate.chance('acquirer fails', failing);
        const declined = !failed && fate.chance('declined', 0.02);
        await pause(fate.latencyMs('acquirer', failed ? 180 : method === 'card' ? 70 : 45, 0.5));
        const status = failed ? 503 : declined ? 402 : 200;
        span.setAttribute('http.response.status_code', status);
        if (status >= 400) {
          span.setAttribute('error.type', String(status));
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
        return status;
      },
    );

  return [
    {
      method: 'POST',
      path: '/payments',
      handle: async ({ body }) => {
        const startMs = performance.now();
        const orderId = text(body.orderId, 'unknown');
        const method = text(body.method, 'card');
        const amountCents = whole(body.amountCents, 0, 0, 100_000_000);
        const paymentId = `pay-${hash32(orderId).toString(36)}`;
        const ids = { 'order.id': orderId, 'payment.id': paymentId, 'payment.method': method };
        trace.getActiveSpan()?.setAttributes({ ...ids, 'payment.amount_cents': amountCents });
        await database.query({
          operation: 'INSERT',
          collection: 'payments',
          text: 'INSERT INTO payments (id, order_id, method, amount_cents, state) VALUES ($1, $2, $3, $4, $5)',
          medianMs: 4,
        });
        const status = await authorise(method, amountCents);
        const outcome = status === 200 ? 'authorised' : status === 402 ? 'declined' : 'error';
        charges.add(1, { 'payment.method': method, 'payment.outcome': outcome });
        await database.query({
          operation: 'UPDATE',
          collection: 'payments',
          text: 'UPDATE payments SET state = $2 WHERE id = $1',
          medianMs: 3,
        });
        if (status === 503) {
          const error = new ServiceError(503, `acquirer ${acquirerHost} answered 503 Service Unavailable`);
          logError('payment failed', error, ids);
          throw error;
        }
        if (status === 402) {
          log('warn', 'payment declined', { amount_cents: amountCents }, ids);
          throw new ServiceError(402, 'payment declined');
        }
        amounts.record(amountCents / 100, { 'payment.method': method });
        log(
          'info',
          'payment authorised',
          { amount_cents: amountCents, duration_ms: tenths(performance.now() - startMs) },
          ids,
        );
        return { status: 201, body: { paymentId, status: outcome } };
      },
    },
  ];
};
