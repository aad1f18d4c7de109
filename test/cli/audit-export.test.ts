import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { toCsv } from '../../adapters/cli/commands/audit-export.ts';
import { AuditEventSchema } from '../../src/gen/earmark/v1/audit_service_pb.ts';

const ATTACK = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', "'=1"];

test.each(ATTACK)('no cell of an exported event is run as a formula: %j', (text) => {
  const event = create(AuditEventSchema, { actor: text, channel: text, reason: text, afterJson: `{"a":"${text}"}` });
  const [cells] = parse(toCsv([event])) as string[][];
  expect(cells?.filter((cell) => cell.includes('1') && /^[=+\-@\t\r]/.test(cell))).toEqual([]);
  expect(cells).toContain(`'${text}`);
});

test('an event is one line of CSV, whatever its texts hold', () => {
  const event = create(AuditEventSchema, {
    eventId: 'e-1',
    kind: 'reserved',
    reason: 'a "quoted", long\nreason',
    reservationVersion: 1n,
    createTime: timestampFromMs(0),
    hash: Uint8Array.of(1, 2),
  });
  const [cells] = parse(toCsv([event, event])) as string[][];
  expect(cells?.slice(0, 7)).toEqual(['1970-01-01T00:00:00Z', 'e-1', '', '', '1', '', 'reserved']);
  expect(cells).toContain('a "quoted", long\nreason');
  expect(cells).toContain('AQI=');
});
