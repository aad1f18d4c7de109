import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { DurationSchema, durationFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from 'vitest';
import { FIRST_RULES } from '../../src/domain/rules.ts';
import { Milestone, ReleaseReason } from '../../src/gen/earmark/v1/reservation_pb.ts';
import {
  MilestoneAction,
  RulesSchema,
  ShortageCure,
  SourcingStrategy,
  SubstitutionStep,
} from '../../src/gen/earmark/v1/rules_pb.ts';
import { toDraft, toWireRules, toWireRuleVersion } from '../../src/transport/rule-mapping.ts';
import { DAY_MS, T0 } from '../support/arbitraries.ts';

type WireRules = MessageInitShape<typeof RulesSchema>;

const { APPROVED } = Milestone;
const { RELEASE } = MilestoneAction;

const draftOf = (wire: WireRules) => toDraft(create(RulesSchema, wire));

describe('rules on the wire', () => {
  test('as they are read can be put again unchanged', () => {
    const rules = {
      ...FIRST_RULES,
      version: 4,
      effectiveAt: T0,
      channelHoldWindowsMs: { store: 1_500, ['__proto__']: DAY_MS },
      channelWarehouses: { store: ['W1'], constructor: [] },
      waitlistWindowMs: DAY_MS,
      pickOn: 'RETURN_RECEIVED' as const,
      lowThreshold: 3,
      sourcing: 'FEWEST_SPLITS' as const,
      shortageCures: ['SUGGEST_REFUND', 'RESOURCE'] as const,
      ladder: ['OTHER_WAREHOUSE', 'WAITLIST', 'EQUIVALENT_SKU', 'SUGGEST_REFUND'] as const,
      safetyStocks: [{ sku: 'A', warehouse: '', units: 2, percent: 10 }],
      exchangePools: [{ sku: '', minimum: 3, maximum: 9 }],
    };
    const { version: _, ...draft } = rules;
    expect(toDraft(toWireRules(rules))).toEqual(draft);
    expect(toWireRules(rules)).toMatchObject({ version: 4n, etag: 'v4', reason: 'first rules' });
  });

  test('that are left unset are those of the first version, and hold from now', () => {
    const { version: _, ...first } = FIRST_RULES;
    const empty = { eligibility: [], splitAllowed: false, reason: '' };
    expect(draftOf({})).toEqual({ ...first, ...empty, effectiveAt: null });
  });

  test.each<[string, WireRules]>([
    ['rules.shortage_cures SUBSTITUTE', { shortageCures: [ShortageCure.WAIT, ShortageCure.SUBSTITUTE] }],
    ['rules.ladder OTHER_LOT', { ladder: [SubstitutionStep.OTHER_WAREHOUSE, SubstitutionStep.OTHER_LOT] }],
  ])('that would not be followed are refused: %s', (feature, wire) => {
    expect(draftOf(wire)).toMatchObject({ reason: 'UNSUPPORTED', metadata: { feature } });
  });

  test.each<WireRules>([
    { waitlistWindow: durationFromMs(DAY_MS) },
    {
      expiryWarning: durationFromMs(DAY_MS),
      manualBaseline: durationFromMs(0),
    },
    { sourcing: SourcingStrategy.PRIORITY },
    {
      milestones: [
        { milestone: Milestone.CANCELLED, action: MilestoneAction.RELEASE, releaseReason: ReleaseReason.CANCELLED },
        { milestone: Milestone.COMPLETED, action: MilestoneAction.FULFIL },
        {
          milestone: Milestone.CONVERTED_TO_REFUND,
          action: MilestoneAction.RELEASE,
          releaseReason: ReleaseReason.REFUNDED,
        },
      ],
    },
  ])('that say what holds anyway are taken', (wire) => {
    expect(draftOf(wire)).not.toHaveProperty('metadata');
  });

  test('tell how long dispatch took by hand, or that nobody knows', () => {
    const draft = draftOf({ manualBaseline: durationFromMs(DAY_MS) });
    expect(draft).toMatchObject({ manualBaselineMs: DAY_MS });
    expect(toWireRules({ ...FIRST_RULES, manualBaselineMs: DAY_MS }).manualBaseline).toEqual(durationFromMs(DAY_MS));
    expect(toWireRules(FIRST_RULES).manualBaseline).toBeUndefined();
  });

  test.each<[string, WireRules]>([
    ['rules.manual_baseline', { manualBaseline: create(DurationSchema, { nanos: 1 }) }],
    ['rules.milestones[1].milestone', { milestones: [{ milestone: APPROVED }, { milestone: APPROVED }] }],
    ['rules.milestones[0].deadline', { milestones: [{ milestone: APPROVED, action: MilestoneAction.SET_DEADLINE }] }],
    ['rules.milestones[0].deadline', { milestones: [{ milestone: APPROVED, deadline: durationFromMs(DAY_MS) }] }],
    [
      'rules.milestones[0].release_reason',
      { milestones: [{ milestone: APPROVED, releaseReason: ReleaseReason.MANUAL }] },
    ],
    [
      'rules.milestones[0].release_reason',
      { milestones: [{ milestone: APPROVED, action: RELEASE, releaseReason: ReleaseReason.EXPIRED }] },
    ],
    ['rules.channel_warehouses[1].channel', { channelWarehouses: [{ channel: 'a' }, { channel: 'a' }] }],
    ['rules.default_hold_window', { defaultHoldWindow: { seconds: 5n, nanos: 1 } }],
    ['rules.expiry_warning', { expiryWarning: { seconds: 5n, nanos: 1 } }],
    ['rules.channel_hold_windows["a"]', { channelHoldWindows: { a: { seconds: 5n, nanos: 500 } } }],
  ])('that are not clear are refused by %s', (field, wire) => {
    expect(draftOf(wire)).toMatchObject({ reason: 'INVALID_FIELD', metadata: { field } });
  });

  test.each([
    [DAY_MS, {}],
    [0, { expiryWarning: durationFromMs(0) }],
    [5_000, { expiryWarning: durationFromMs(5_000) }],
  ])('that warn %i ms before a deadline', (expiryWarningMs, wire) => {
    expect(draftOf(wire)).toMatchObject({ expiryWarningMs });
    const shown = toWireRules({ ...FIRST_RULES, expiryWarningMs });
    expect(toDraft(shown)).toMatchObject({ expiryWarningMs });
  });

  test('name what follows from milestones; the rest stays as in the first version', () => {
    const milestones = [
      { milestone: Milestone.INSPECTION_FAILED, action: RELEASE },
      { milestone: Milestone.LABEL_CREATED, action: MilestoneAction.SET_DEADLINE, deadline: durationFromMs(DAY_MS) },
      { milestone: Milestone.COMPLETED, action: MilestoneAction.NONE },
      { milestone: Milestone.APPROVED, action: MilestoneAction.NONE },
    ];
    const draft = draftOf({ milestones });
    const told = [
      { milestone: 'LABEL_CREATED', action: 'SET_DEADLINE', deadlineMs: DAY_MS },
      { milestone: 'INSPECTION_FAILED', action: 'RELEASE', releaseReason: 'MANUAL' },
      { milestone: 'COMPLETED', action: 'NONE' },
      { milestone: 'CANCELLED', action: 'RELEASE', releaseReason: 'CANCELLED' },
      { milestone: 'CONVERTED_TO_REFUND', action: 'RELEASE', releaseReason: 'REFUNDED' },
    ] as const;
    expect(draft).toMatchObject({ milestones: told });
    const shown = toWireRules({ ...FIRST_RULES, milestones: told });
    expect(toDraft(shown)).toMatchObject({ milestones: told });
  });

  test('are listed with who made them, when, and what they changed', () => {
    const version = { rules: { ...FIRST_RULES, version: 2, maxLines: 5 }, author: 'me', createdAt: T0 };
    const told = toWireRuleVersion({ ...version, previous: FIRST_RULES });
    expect(told).toMatchObject({ author: 'me', differences: ['max_lines was 100, is now 5'] });
    expect(toWireRuleVersion({ ...version, previous: null }).differences).toEqual([]);
  });
});
