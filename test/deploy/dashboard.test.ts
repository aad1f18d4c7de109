import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { runObserved } from '../support/observed-run.ts';

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
  readonly targets: readonly { readonly expr?: string; readonly query?: string }[];
}

const GRID_WIDTH = 24;
const dashboard = JSON.parse(readFileSync(new URL('../../deploy/grafana/earmark.json', import.meta.url), 'utf8')) as {
  readonly panels: readonly Panel[];
};

describe('the Grafana dashboard', () => {
  let metrics: string;

  beforeAll(async () => {
    metrics = (await runObserved({})).metrics;
  });

  it.each(dashboard.panels)('asks in "$title" for something that exists', (panel) => {
    const questions = panel.targets.map((target) => target.expr ?? target.query ?? '');
    expect(questions.length).toBeGreaterThan(0);
    for (const question of questions) {
      for (const name of question.match(/earmark_[a-z_]+/g) ?? []) {
        expect(metrics).toMatch(new RegExp(`^${name}(\\{| )`, 'm'));
      }
      expect(question).toMatch(/earmark/);
    }
  });

  it('has its panels within the grid', () => {
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(GRID_WIDTH);
    const places = dashboard.panels.map(({ gridPos }) => `${gridPos.x}/${gridPos.y}`);
    expect(new Set(places).size).toBe(places.length);
  });
});
