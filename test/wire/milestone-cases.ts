import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { byExchange, reserveStep, type WireCase } from './wire-cases.ts';

const { reportMilestone } = ReservationService.method;

/** What ReportMilestone answers over every door. */
export const MILESTONE_CASES: readonly WireCase[] = [
  {
    name: 'releases what a milestone calls off, and tells that it did',
    before: (world) => [reserveStep(world)],
    step: (world) => byExchange(reportMilestone, world, { milestone: 'MILESTONE_CANCELLED' }),
    code: 'OK',
    json: () => ({
      applied: true,
      reservation: { state: 'RESERVATION_STATE_RELEASED', releaseReason: 'RELEASE_REASON_CANCELLED' },
    }),
  },
  {
    name: 'takes a milestone that ends an exchange nobody reserved for',
    step: (world) => byExchange(reportMilestone, world, { milestone: 'MILESTONE_COMPLETED' }),
    code: 'OK',
    json: () => ({ applied: true }),
  },
];
