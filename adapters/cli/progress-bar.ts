import cliProgress from 'cli-progress';
import type { Session } from './session.ts';

/**
 * Draws a progress bar where a person watches; nothing else in a script.
 * @param doing such as `trying`
 * @param things what is counted, such as `cases`
 */
export function startProgress(
  session: Session,
  doing: string,
  things: string,
  total: number,
): cliProgress.SingleBar | undefined {
  if (!session.terminal.isInteractive || session.isJson) return undefined;
  const bar = new cliProgress.SingleBar(
    {
      stream: session.terminal.errorStream as NodeJS.WriteStream,
      format: `${doing} {bar} {value} of {total} ${things} · {eta_formatted} left`,
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  return bar;
}
