import { type Refusal, refuse } from './refusal.ts';
import { canExpire, isDue, type LiveReservation } from './reservation.ts';
import { pastDeadline } from './resolution.ts';

/** Only what no warehouse has begun and the clock has not freed may be swapped or transferred. */
export function checkMovable(reservation: LiveReservation, now: number): Refusal | null {
  if (isDue(reservation, now)) return pastDeadline(reservation);
  if (canExpire(reservation)) return null;
  const { state, trackingId } = reservation;
  return refuse('BEING_PICKED', 'the warehouse has begun to prepare it', { state, tracking_id: trackingId });
}
