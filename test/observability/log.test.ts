import { TraceFlags } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { createLogger, type LogFields, type Logger } from '../../src/log.ts';

const SECRET = 'correct-horse-battery';
const SPAN = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED };

function record(write: (logger: Logger) => void, level: Parameters<typeof createLogger>[0] = 'info') {
  const lines: string[] = [];
  write(createLogger(level, { write: (line) => lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function recordFields(fields: LogFields): Record<string, unknown> {
  return record((logger) => logger.info('something', fields))[0] ?? {};
}

describe('a line', () => {
  it('is JSON with the event, its level, an instant and the facts', () => {
    const [line] = record((logger) => logger.warn('unit-failed', { attempt: 2, waited: 10n, pools: ['A', 'B'] }));
    expect(line).toMatchObject({ level: 'warn', event: 'unit-failed', attempt: 2, waited: '10', pools: ['A', 'B'] });
    expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('stays one line whatever a text holds', () => {
    const lines: string[] = [];
    createLogger('info', { write: (line) => lines.push(line) }).info('x', {
      reason: 'a\n{"level":"error"}\r\u001b[31m',
    });
    const controls = [...lines.join('').trimEnd()].filter((character) => character < ' ');
    expect(controls).toEqual([]);
  });

  it('carries the ids of the span it was given', () => {
    expect(recordFields({ trace: SPAN })).toMatchObject({ trace_id: SPAN.traceId, span_id: SPAN.spanId });
  });

  it('carries no ids without a span, or with an invalid one', () => {
    expect(recordFields({ trace: null })).not.toHaveProperty('trace_id');
    expect(recordFields({ trace: { ...SPAN, traceId: '0'.repeat(32) } })).not.toHaveProperty('trace_id');
  });

  it('is written from the chosen level on', () => {
    const writeAll = (logger: Logger) => {
      logger.debug('a');
      logger.info('b');
      logger.warn('c');
      logger.error('d');
    };
    expect(record(writeAll, 'debug').map((line) => line.event)).toEqual(['a', 'b', 'c', 'd']);
    expect(record(writeAll, 'warn').map((line) => line.event)).toEqual(['c', 'd']);
  });
});

describe('what must not be told', () => {
  it.each<[string, LogFields]>([
    ['the password in a URL', { url: `postgres://u:${SECRET}@h/d` }],
    ['a URL within a text', { text: `connecting to nats://u:${SECRET}@h:4222, then` }],
    ['URLs in a list', { urls: [`nats://${SECRET}@h:4222`] }],
    ['the message of an error', { error: new Error(`cannot reach postgres://u:${SECRET}@h/d`) }],
    ['other properties of an error', { error: Object.assign(new Error('duplicate key'), { detail: SECRET }) }],
    ['a thrown text', { error: `postgres://u:${SECRET}@h/d` }],
    ['a request', { request: { customerRef: SECRET } }],
    ['a list of rows', { rows: [{ note: SECRET }] }],
    ['a fact called password', { databasePassword: SECRET }],
    ['a fact called token', { resumeToken: SECRET }],
    ['a customer', { customerRef: SECRET }],
  ])('%s is left out', (_what, fields) => {
    expect(JSON.stringify(recordFields(fields))).not.toContain(SECRET);
  });

  it('does not take the rest of an error with it', () => {
    const error = Object.assign(new TypeError('deadlock detected'), { code: '40P01' });
    expect(recordFields({ error }).error).toMatchObject({
      name: 'TypeError',
      message: 'deadlock detected',
      code: '40P01',
      stack: expect.stringContaining('log.test.ts'),
    });
  });
});

it('cuts a huge text', () => {
  const line = recordFields({ text: 'x'.repeat(1_000_000), list: Array.from({ length: 1_000 }, () => 'y') });
  expect(JSON.stringify(line).length).toBeLessThan(3_000);
});
