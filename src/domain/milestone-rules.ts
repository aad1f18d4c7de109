import type { ReleaseReason } from './reservation.ts';

/** What may happen to an exchange, in the order in which it mostly does. */
export const MILESTONES = [
  'APPROVED',
  'LABEL_CREATED',
  'CARRIER_SCANNED',
  'RETURN_RECEIVED',
  'INSPECTION_PASSED',
  'INSPECTION_FAILED',
  'COMPLETED',
  'CANCELLED',
  'CONVERTED_TO_REFUND',
] as const;

export type Milestone = (typeof MILESTONES)[number];

/** What follows from one milestone. */
export type MilestoneRule = { readonly milestone: Milestone } & (
  | { readonly action: 'NONE' }
  /** The deadline becomes the end of a window of this many milliseconds that begins with the milestone. */
  | { readonly action: 'SET_DEADLINE'; readonly deadlineMs: number }
  | { readonly action: 'FULFIL' }
  | { readonly action: 'RELEASE'; readonly releaseReason: ReleaseReason }
);

/** What follows where the rules name nothing else: the milestones that end an exchange end its reservation. */
export const DEFAULT_MILESTONE_RULES: readonly MilestoneRule[] = [
  { milestone: 'COMPLETED', action: 'FULFIL' },
  { milestone: 'CANCELLED', action: 'RELEASE', releaseReason: 'CANCELLED' },
  { milestone: 'CONVERTED_TO_REFUND', action: 'RELEASE', releaseReason: 'REFUNDED' },
];

/** Whether a milestone ends its exchange, whatever the rules let follow for the reservation. */
export function isTerminal(milestone: Milestone): boolean {
  return DEFAULT_MILESTONE_RULES.some((rule) => rule.milestone === milestone);
}

/** The reason of a release that follows from a milestone, where the rule names none. */
export function fittingReason(milestone: Milestone): ReleaseReason {
  const rule = DEFAULT_MILESTONE_RULES.find((one) => one.milestone === milestone);
  return rule?.action === 'RELEASE' ? rule.releaseReason : 'MANUAL';
}

/** All rules that bring something about or undo a default, each milestone once and in order. */
export function completeMilestoneRules(named: readonly MilestoneRule[]): MilestoneRule[] {
  return MILESTONES.flatMap((milestone) => {
    const isMine = (rule: MilestoneRule) => rule.milestone === milestone;
    const rule = named.find(isMine) ?? DEFAULT_MILESTONE_RULES.find(isMine);
    return rule === undefined || (rule.action === 'NONE' && !isTerminal(milestone)) ? [] : [rule];
  });
}
