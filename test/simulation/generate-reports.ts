import type { Milestone } from '../../src/domain/milestone-rules.ts';
import type { PickEvent } from '../../src/use-cases/warehouse-message.ts';
import type { MilestoneCommand, SimTarget } from './commands.ts';
import type { SeededRandom } from './random.ts';

/** What warehouses report of picks, and how often. */
export const PICK_EVENTS: readonly (readonly [number, PickEvent])[] = [
  [3, 'pick-started'],
  [1, 'pick-aborted'],
  [4, 'pick-confirmed'],
  [2, 'pick-shorted'],
  [4, 'shipment-confirmed'],
];

/** Mostly those that picks await; what ends an exchange closes it for good, so it is rare. */
const MILESTONES: readonly (readonly [number, Milestone])[] = [
  [8, 'RETURN_RECEIVED'],
  [4, 'APPROVED'],
  [1, 'INSPECTION_PASSED'],
  [0.7, 'COMPLETED'],
  [0.7, 'CANCELLED'],
  [0.3, 'CONVERTED_TO_REFUND'],
];

export function anyMilestone(random: SeededRandom, requestId: string, target: SimTarget): MilestoneCommand {
  return { kind: 'milestone', requestId, target, milestone: random.weighted(MILESTONES) };
}
