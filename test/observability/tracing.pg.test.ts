import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ObservedRun, runObserved } from '../support/observed-run.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';

const CALLS = 3;
const SHUTDOWN_SLACK_MS = 1_000;

describe('a unit of work in a process that exports its traces', () => {
  let receiver: OtlpReceiver;
  let run: ObservedRun;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    run = await runObserved({
      DATABASE_URL: inject('pgAdminUrl'),
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    });
    await receiver.waitFor((each) => named(each, 'call third') !== undefined && each.metricNames().size > 0);
  });
  afterAll(() => receiver.close());

  function find(name: string): ReceivedSpan {
    const span = named(receiver, name);
    if (span === undefined) throw new Error(`No span is called ${name}.`);
    return span;
  }

  it('is a child of its first command, and carries no links', () => {
    const unit = find('unit of work');
    const first = find('call first');
    expect(unit.traceId).toBe(first.traceId);
    expect(unit.parentSpanId).toBe(first.spanId);
    expect(unit.traceId).toBe(run.traceId);
    expect(unit.links ?? []).toEqual([]);
    expect(unit.events?.map((event) => event.name)).toContain('unit-committed');
  });

  it('is linked to once by a span in the trace of every other command', () => {
    const unit = find('unit of work');
    const decisions = receiver.spans().filter((span) => span.name === 'decide reserve');
    expect(decisions).toHaveLength(CALLS - 1);
    expect(decisions.map((span) => span.traceId)).toEqual(run.followerTraceIds);
    for (const decision of decisions) {
      expect(decision.links?.map((link) => [link.traceId, link.spanId])).toEqual([[unit.traceId, unit.spanId]]);
    }
  });

  it('has the statements of the database beneath it, without their values', () => {
    const unit = find('unit of work');
    const query = receiver.spans().find((span) => JSON.stringify(span.attributes).includes('select 41'));
    expect(query).toMatchObject({ traceId: unit.traceId, parentSpanId: unit.spanId });
    expect(query?.attributes.map((attribute) => attribute.key)).not.toContain('db.postgresql.values');
  });

  it('sends the metrics along', () => {
    expect([...receiver.metricNames()]).toEqual(
      expect.arrayContaining(['earmark.rpc.duration', 'earmark.unit.commands', 'earmark.outbox.age']),
    );
  });

  it('names its service', () => {
    expect(receiver.everything()).toContain('{"key":"service.name","value":{"stringValue":"earmark"}}');
  });

  it('lets the password of the database out nowhere', () => {
    const password = new URL(inject('pgAdminUrl')).password;
    expect(password.length).toBeGreaterThan(8);
    expect(run.standardError).toContain('postgres://earmark:***@');
    for (const place of [run.standardError, run.standardOutput, run.metrics, receiver.everything()]) {
      expect(place).not.toContain(password);
    }
  });

  it('stops in time', () => {
    expect(run.isShutDown).toBe(true);
    expect(run.shutdownMs).toBeLessThan(2_000 + SHUTDOWN_SLACK_MS);
  });
});

describe('a process without a receiver', () => {
  it('traces no statement and still gives every call its own trace id', async () => {
    const run = await runObserved({ DATABASE_URL: inject('pgAdminUrl') });
    const ids = [run.traceId, ...run.followerTraceIds];
    expect(new Set(ids).size).toBe(CALLS);
    for (const id of ids) expect(id).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(run.metrics).not.toContain('db_client');
  });
});

function named(receiver: OtlpReceiver, name: string): ReceivedSpan | undefined {
  return receiver.spans().find((span) => span.name === name);
}
