import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpCall, until } from '../support/http-call.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startTestService, type TestService } from '../support/service.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER_SPAN = 'b7ad6b7169203331';
const RESERVE = 'earmark.v1.ReservationService/Reserve';
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

    expect(named(RESERVE)?.parentSpanId).toBe(CALLER_SPAN);
    const chain = ancestors(mine(), 'process shipment-confirmed');
    expect(chain).toEqual(['send shipment-confirmed', 'accept pick', 'publish reservation', RESERVE]);
    expect(named('publish reservation')?.kind).toBe(PRODUCER);
    expect(named('process shipment-confirmed')?.kind).toBe(CONSUMER);
    const unit = mine().find((span) => isUnit(span) && span.parentSpanId === named(RESERVE)?.spanId);
    const trips = mine().filter((span) => span.parentSpanId === unit?.spanId && span.name.startsWith('database '));
    const statements = trips.map((span) => textOf(span, 'db.query.summary')).join(' ');
    for (const statement of ['claim-requests', 'lock-pools', 'insert-audit-events', 'insert-outbox', 'commit']) {
      expect(statements).toContain(statement);
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
    expect(rpcs(receiver.spans()).some((rpc) => rpc.links?.length === 1)).toBe(true);
    expect(Math.max(...receiver.spans().map((span) => span.links?.length ?? 0))).toBeLessThanOrEqual(1);
  });

  test('says why a call was refused', async () => {
    const lines = [{ sku: 'NO-SUCH-SKU', quantity: 1 }];
    const request = { requestId: 'refused-1', exchangeId: 'REFUSED-1', lines };
    const { status } = await httpCall(service.httpPort, 'ReservationService/Reserve', request);
    expect(status).toBe(404);
    const outcomes = () => rpcs(receiver.spans()).map((rpc) => textOf(rpc, 'earmark.outcome'));
    await receiver.waitFor(() => outcomes().includes('UNKNOWN_SKU'));
  });
});

function textOf(span: ReceivedSpan, key: string): string | undefined {
  return span.attributes.find((attribute) => attribute.key === key)?.value.stringValue;
}

const isUnit = (span: ReceivedSpan) => span.name === 'unit of work';

/** Whether a call's unit is its child, or the call has one link to its unit. */
function isDecided(spans: readonly ReceivedSpan[], rpc: ReceivedSpan): boolean {
  const units = spans.filter(isUnit);
  const linked = rpc.links?.length === 1 ? rpc.links[0]?.spanId : undefined;
  return units.some((unit) => unit.parentSpanId === rpc.spanId || unit.spanId === linked);
}

function rpcs(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return spans.filter((span) => span.name === RESERVE);
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
