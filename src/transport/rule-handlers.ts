import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { refuse } from '../domain/refusal.ts';
import type { EligibilityPolicy, Rules } from '../domain/rules.ts';
import { Milestone, ReleaseReason } from '../gen/earmark/v1/reservation_pb.ts';
import { RuleService } from '../gen/earmark/v1/rule_service_pb.ts';
import { MilestoneAction, RulesSchema, SourcingStrategy, type Rules as WireRules } from '../gen/earmark/v1/rules_pb.ts';
import { type Rpc, unary } from './rpc.ts';
import { refusedCall } from './rpc-failure.ts';
import { toTimestamp } from './wire-time.ts';

const DAY_MS = 86_400_000;
const WAITLIST_WINDOW_MS = 30 * DAY_MS;
const EXPIRY_WARNING_MS = DAY_MS;

/** GetRules: the rules that hold now; in this version they are the only ones. */
export function ruleHandlers(deps: { readonly rules: () => Rules }): Rpc[] {
  return [
    unary(RuleService.method.getRules, async ({ version }) => {
      const rules = deps.rules();
      if (version !== 0n && version !== BigInt(rules.version)) {
        throw refusedCall(
          refuse('INVALID_FIELD', `the rules have no version ${version}`, {
            field: 'version',
            rule_version: rules.version,
          }),
        );
      }
      return { rules: toRules(rules) };
    }),
  ];
}

function toRules(rules: Rules): WireRules {
  return create(RulesSchema, {
    version: BigInt(rules.version),
    etag: `v${rules.version}`,
    effectiveTime: toTimestamp(rules.effectiveAt),
    eligibility: toEligibility(rules.eligibility),
    defaultHoldWindow: durationFromMs(rules.defaultHoldWindowMs),
    minHoldWindow: durationFromMs(rules.minHoldWindowMs),
    maxHoldWindow: durationFromMs(rules.maxHoldWindowMs),
    waitlistWindow: durationFromMs(WAITLIST_WINDOW_MS),
    expiryWarning: durationFromMs(EXPIRY_WARNING_MS),
    channelHoldWindows: Object.fromEntries(
      Object.entries(rules.channelHoldWindowsMs).map(([channel, ms]) => [channel, durationFromMs(ms)]),
    ),
    milestones: TERMINAL_MILESTONES,
    sourcing: SourcingStrategy.PRIORITY,
    splitAllowed: rules.splitAllowed,
    channelWarehouses: Object.entries(rules.channelWarehouses).map(([channel, warehouses]) => ({
      channel,
      warehouses: [...warehouses],
    })),
    maxLines: rules.maxLines,
    maxUnits: rules.maxUnits,
    lowThreshold: rules.lowThreshold,
  });
}

const TERMINAL_MILESTONES = [
  { milestone: Milestone.COMPLETED, action: MilestoneAction.FULFIL },
  { milestone: Milestone.CANCELLED, action: MilestoneAction.RELEASE, releaseReason: ReleaseReason.CANCELLED },
  { milestone: Milestone.CONVERTED_TO_REFUND, action: MilestoneAction.RELEASE, releaseReason: ReleaseReason.REFUNDED },
];

/** The two built-in rules, written as the expressions they stand for. */
function toEligibility(policy: EligibilityPolicy) {
  const refused = policy.refusedReasons.map((reason) => JSON.stringify(reason)).join(', ');
  return [
    {
      name: 'return-window',
      expression: `!has(facts.delivered_time) || now - facts.delivered_time <= duration("${policy.returnWindowDays * 24}h")`,
      customerMessage: `The item was delivered more than ${policy.returnWindowDays} days ago.`,
      staffMessage: `delivered more than ${policy.returnWindowDays} days ago`,
    },
    {
      name: 'reason',
      expression: `!(facts.reason.upperAscii() in [${refused}])`,
      customerMessage: 'This return cannot be exchanged.',
      staffMessage: 'this return reason is never exchanged',
    },
  ];
}
