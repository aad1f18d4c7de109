import type { Outcome } from '../../src/ports.ts';
import type { CallAnswer } from './protocol.ts';

/** Waits for a call and says what it came to; what it throws is INTERNAL, as it would be for a caller. */
export async function answerOf(call: Promise<Outcome>): Promise<CallAnswer> {
  try {
    const outcome = await call;
    if (!outcome.ok) {
      const { reason, metadata } = outcome.refusal;
      return {
        ok: false,
        reason,
        trackingId: metadata.tracking_id ?? '',
        state: metadata.state ?? '',
        replayed: false,
      };
    }
    const reservation = outcome.answer.kind === 'reservation' ? outcome.answer.reservation : null;
    return {
      ok: true,
      reason: '',
      trackingId: reservation?.trackingId ?? '',
      state: reservation?.state ?? '',
      replayed: outcome.replayed,
    };
  } catch (error) {
    return { ok: false, reason: `INTERNAL ${String(error)}`, trackingId: '', state: '', replayed: false };
  }
}
