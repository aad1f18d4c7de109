import { type DescMessage, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { access, Role } from '../../src/gen/earmark/v1/options_pb.ts';
import { loadGeneratedFiles } from '../support/generated-files.ts';

const files = await loadGeneratedFiles();
const methods = files.flatMap((file) => file.services).flatMap((service) => service.methods);
const label = (method: DescMethod) => `${method.parent.name}.${method.name}`;
const byLabel: [string, DescMethod][] = methods.map((method) => [label(method), method]);

/** Their request ids stand in the requests they carry. */
const CARRIES_REQUESTS = new Set(['ReservationService.BatchReserve', 'ReservationService.ReserveStream']);

function fieldNames(message: DescMessage): string[] {
  return message.fields.map((field) => field.name);
}

test('every service of the contract is there with exactly its RPCs', () => {
  const found = new Map<string, string[]>();
  for (const method of methods) found.set(method.parent.name, [...(found.get(method.parent.name) ?? []), method.name]);
  expect(Object.fromEntries(found)).toEqual({
    ReservationService: [
      'Reserve',
      'BatchReserve',
      'ReserveStream',
      'Release',
      'Fulfil',
      'Extend',
      'Swap',
      'Transfer',
      'ReportMilestone',
      'GetReservation',
      'ListReservations',
      'WatchReservation',
      'ExplainReservation',
    ],
    AvailabilityService: ['GetAvailability', 'StreamAvailability'],
    StockService: [
      'PutItems',
      'PutWarehouses',
      'ReceiveStock',
      'AdjustStock',
      'CountStock',
      'ListStock',
      'ListShortages',
    ],
    RuleService: ['GetRules', 'ListRuleVersions', 'PutRules', 'SimulateRules', 'ApplyRules'],
    AuditService: ['ListEvents', 'VerifyLedger'],
    KpiService: ['GetKpis'],
    NotificationService: ['ListNotifications', 'AcknowledgeNotification'],
  });
});

describe.each(byLabel)('%s', (name, method) => {
  const declared = getOption(method, access);

  test('declares who may call it', () => {
    expect(hasOption(method, access)).toBe(true);
    expect(declared.roles.length).toBeGreaterThan(0);
    expect(new Set(declared.roles).size).toBe(declared.roles.length);
    expect(declared.roles).not.toContain(Role.UNSPECIFIED);
  });

  test('has a request and a response of its own', () => {
    expect(method.input.name).toBe(`${method.name}Request`);
    expect(method.output.name).toBe(`${method.name}Response`);
  });

  test('can be repeated if and only if it changes something', () => {
    const repeatable = CARRIES_REQUESTS.has(name) || fieldNames(method.input).includes('request_id');
    const tellsReplays = CARRIES_REQUESTS.has(name) || fieldNames(method.output).includes('replayed');
    expect({ repeatable, tellsReplays }).toEqual({ repeatable: declared.changes, tellsReplays: declared.changes });
  });

  test('is paged if it lists', () => {
    const lists = method.name.startsWith('List');
    const listsToo = ['SimulateRules', 'ApplyRules', 'GetKpis'].includes(method.name);
    expect(fieldNames(method.output).includes('next_page_token')).toBe(lists || listsToo);
    if (lists || method.name === 'GetKpis')
      expect(fieldNames(method.input)).toEqual(expect.arrayContaining(['page_size', 'page_token']));
  });
});

test('auditors and channels change nothing', () => {
  const changing = methods.filter((method) => getOption(method, access).changes);
  const roles = new Set(changing.flatMap((method) => getOption(method, access).roles));
  expect(roles).not.toContain(Role.AUDITOR);
  expect(roles).not.toContain(Role.CHANNEL);
});
