import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpCall, until } from '../support/http-call.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startTestService, type TestService } from '../support/service.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER_SPAN = 'b7ad6b7169203331';
const PRODUCER = 4;
const CONSUMER = 5;

describe('one trace for one exchange', () => {
  let receiver: OtlpReceiver;
  let service: TestService;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    service = await startTestService({
      env: {
        EARMARK_SEED: 'demo',
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
    });
  });

  afterAll(async () => {
    await service?.stop();
    await receiver?.close();
  });

  const mine = () => receiver.spans().filter((span) => span.traceId === TRACE_ID);
  const named = (name: string) => mine().find((span) => span.name === name);

  test('reaches from the call to the fulfilment by the warehouse and back', async () => {
    const reserved = await httpCall(
      service.httpPort,
      'ReservationService/Reserve',
      { requestId: 'trace-1', exchangeId: 'TRACE-1', lines: [{ sku: 'SHOE-RED-42', quantity: 1 }] },
      { traceparent: `00-${TRACE_ID}-${CALLER_SPAN}-01` },
    );
    expect(reserved.body.reservation.traceId).toBe(TRACE_ID);
    await until('the warehouse to ship', async () => {
      const { body } = await httpCall(service.httpPort, 'ReservationService/GetReservation', { exchangeId: 'TRACE-1' });
      return body.reservation.state === 'RESERVATION_STATE_FULFILLED';
    });
    // The service and the warehouse send their spans at times of their own.
    await receiver.waitFor(() => descendants(mine(), 'process shipment-confirmed').includes('publish verdict'));
    await receiver.waitFor(() => ancestors(mine(), 'process shipment-confirmed').length === 4);

    expect(named('earmark.v1.ReservationService/Reserve')?.parentSpanId).toBe(CALLER_SPAN);
    const chain = ancestors(mine(), 'process shipment-confirmed');
    expect(chain).toEqual([
      'send shipment-confirmed',
      'accept pick',
      'publish reservation',
      'earmark.v1.ReservationService/Reserve',
    ]);
    expect(named('publish reservation')?.kind).toBe(PRODUCER);
    expect(named('process shipment-confirmed')?.kind).toBe(CONSUMER);
    const statements = descendants(mine(), 'earmark.v1.ReservationService/Reserve');
    for (const statement of ['claim-requests', 'lock-pools', 'insert-audit-events', 'insert-outbox', 'commit']) {
      expect(statements.some((name) => name.startsWith(`pg.query:${statement}`))).toBe(true);
    }
  });

  test('stands on the reservation and on each of its audit events', async () => {
    const { body } = await httpCall(service.httpPort, 'AuditService/ListEvents', {});
    const kinds = body.events.map((event: { kind: string; traceId: string }) => {
      expect(event.traceId).toBe(TRACE_ID);
      return event.kind;
    });
    expect(kinds).toEqual(['reserved', 'preparing', 'ready', 'fulfilled']);
  });

  test('spends one span on the unit of a batch, however many requests it has', async () => {
    const traceId = TRACE_ID.replace('0a', '0b');
    const requests = Array.from({ length: 10 }, (_, at) => ({
      requestId: `batch-${at}`,
      exchangeId: `BATCH-${at}`,
      lines: [{ sku: 'SHIRT-WHITE-M', quantity: 1 }],
    }));
    const headers = { traceparent: `00-${traceId}-${CALLER_SPAN}-01` };
    const { status } = await httpCall(service.httpPort, 'ReservationService/BatchReserve', { requests }, headers);
    expect(status).toBe(200);
    const inTrace = () => receiver.spans().filter((span) => span.traceId === traceId);
    await receiver.waitFor(() => inTrace().some((span) => span.name.endsWith('/BatchReserve')));
    await receiver.waitFor(() => inTrace().filter((span) => span.name === 'publish reservation').length >= 10);
    const call = inTrace().find((span) => span.name.endsWith('/BatchReserve'));
    expect(inTrace().filter((span) => isUnit(span) && span.parentSpanId === call?.spanId)).toHaveLength(1);
    expect(inTrace().some((span) => span.name === 'decide reserve')).toBe(false);
  });

  test('says of every command of a group which unit it was decided in, one link each', async () => {
    const before = receiver.spans().length;
    const requests = Array.from({ length: 30 }, (_, at) =>
      httpCall(service.httpPort, 'ReservationService/Reserve', {
        requestId: `group-${at}`,
        exchangeId: `GROUP-${at}`,
        lines: [{ sku: 'SHOE-BLUE-42', quantity: 1 }],
      }),
    );
    for (const answer of await Promise.all(requests)) expect(answer.status).toBe(200);
    await receiver.waitFor(() => rpcs(receiver.spans().slice(before)).length >= 30);
    await receiver.waitFor(() => rpcs(receiver.spans().slice(before)).every((rpc) => isDecided(receiver.spans(), rpc)));
    expect(receiver.spans().some((span) => span.name === 'decide reserve')).toBe(true);
    expect(Math.max(...receiver.spans().map((span) => span.links?.length ?? 0))).toBeLessThanOrEqual(1);
  });
});

const isUnit = (span: ReceivedSpan) => span.name === 'unit of work';

/** Whether a call's unit is its child, or a decision that is its child has one link to its unit. */
function isDecided(spans: readonly ReceivedSpan[], rpc: ReceivedSpan): boolean {
  const units = new Set(spans.filter(isUnit).map((span) => span.spanId));
  return spans
    .filter((span) => span.parentSpanId === rpc.spanId)
    .some(
      (span) =>
        isUnit(span) ||
        (span.name === 'decide reserve' && span.links?.length === 1 && units.has(span.links[0]?.spanId ?? '')),
    );
}

function rpcs(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return spans.filter((span) => span.name === 'earmark.v1.ReservationService/Reserve');
}

/** Names from a span's parent up to the first span of the trace. */
function ancestors(spans: readonly ReceivedSpan[], name: string): string[] {
  const names: string[] = [];
  let current = spans.find((span) => span.name === name);
  for (;;) {
    const parent = spans.find((span) => span.spanId === current?.parentSpanId);
    if (parent === undefined) return names;
    names.push(parent.name);
    current = parent;
  }
}

/** Names of everything below a span. */
function descendants(spans: readonly ReceivedSpan[], name: string): string[] {
  const root = spans.find((span) => span.name === name);
  const below = (id: string): string[] =>
    spans.filter((span) => span.parentSpanId === id).flatMap((span) => [span.name, ...below(span.spanId)]);
  return root === undefined ? [] : below(root.spanId);
}
