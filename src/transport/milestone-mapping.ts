import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  completeMilestoneRules,
  fittingReason,
  MILESTONES,
  type Milestone,
  type MilestoneRule,
} from '../domain/milestone-rules.ts';
import type { Refusal } from '../domain/refusal.ts';
import { invalid } from '../domain/rules-draft.ts';
import { ReleaseReason, Milestone as WireMilestone } from '../gen/earmark/v1/reservation_pb.ts';
import {
  MilestoneAction,
  type MilestoneRuleSchema,
  type MilestoneRule as WireRule,
} from '../gen/earmark/v1/rules_pb.ts';
import { toReleaseReason } from './reservation-mapping.ts';
import { toMs } from './wire-time.ts';

/** @throws TypeError for a milestone that validation refuses */
export function toMilestone(wire: WireMilestone): Milestone {
  const milestone = MILESTONES.find((one) => WireMilestone[one] === wire);
  if (milestone === undefined) throw new TypeError('a validated request names a milestone');
  return milestone;
}

/** The milestone that picks await; unspecified means that they await none. */
export function toPickOn(wire: WireMilestone): Milestone | null {
  return wire === WireMilestone.UNSPECIFIED ? null : toMilestone(wire);
}

export function toWirePickOn(pickOn: Milestone | null): WireMilestone {
  return pickOn === null ? WireMilestone.UNSPECIFIED : WireMilestone[pickOn];
}

export function toWireMilestoneRule(rule: MilestoneRule): MessageInitShape<typeof MilestoneRuleSchema> {
  return {
    milestone: WireMilestone[rule.milestone],
    action: MilestoneAction[rule.action],
    ...(rule.action === 'SET_DEADLINE' ? { deadline: durationFromMs(rule.deadlineMs) } : {}),
    ...(rule.action === 'RELEASE' ? { releaseReason: ReleaseReason[rule.releaseReason] } : {}),
  };
}

/** What follows from each milestone, or why that is not clear. What is not named is as in the first rules. */
export function toMilestoneRules(wire: readonly WireRule[]): MilestoneRule[] | Refusal {
  const named: MilestoneRule[] = [];
  for (const [at, one] of wire.entries()) {
    const rule = toMilestoneRule(one, `milestones[${at}]`);
    if ('reason' in rule) return rule;
    if (named.some(({ milestone }) => milestone === rule.milestone)) {
      return invalid(`milestones[${at}].milestone`, 'is named before');
    }
    named.push(rule);
  }
  return completeMilestoneRules(named);
}

function toMilestoneRule({ deadline, ...wire }: WireRule, field: string): MilestoneRule | Refusal {
  const milestone = toMilestone(wire.milestone);
  const { action, releaseReason } = wire;
  if (deadline !== undefined && action !== MilestoneAction.SET_DEADLINE) {
    return invalid(`${field}.deadline`, 'only goes with SET_DEADLINE');
  }
  if (releaseReason !== ReleaseReason.UNSPECIFIED && action !== MilestoneAction.RELEASE) {
    return invalid(`${field}.release_reason`, 'only goes with RELEASE');
  }
  switch (action) {
    case MilestoneAction.SET_DEADLINE: {
      const deadlineMs = toMs(deadline);
      if (deadlineMs === null) return invalid(`${field}.deadline`, 'is required with SET_DEADLINE');
      return { milestone, action: 'SET_DEADLINE', deadlineMs };
    }
    case MilestoneAction.FULFIL:
      return { milestone, action: 'FULFIL' };
    case MilestoneAction.RELEASE:
      if (releaseReason === ReleaseReason.EXPIRED) {
        return invalid(`${field}.release_reason`, 'is given by the clock alone');
      }
      return {
        milestone,
        action: 'RELEASE',
        releaseReason:
          releaseReason === ReleaseReason.UNSPECIFIED ? fittingReason(milestone) : toReleaseReason(releaseReason),
      };
    default:
      return { milestone, action: 'NONE' };
  }
}
