import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { portBaseOf } from '#ops/command-settings.ts'
import { type AlertDrillReport, drillAlerts } from '#ops/drills/alert-drill.ts'
import type { AlertOutcome } from '#ops/drills/expectations.ts'
import { writeWhole } from '#ops/write-whole.ts'
import { type CommandDefinition, flagOption, textOption } from '../command.ts'
import { startPager } from '../doubles/pager.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { PORT_BASE_OPTION } from '../state-options.ts'

export const command: CommandDefinition = {
  name: 'drill alerts',
  summary: 'cause every alert once and see it arrive at a receiver and resolve',
  arguments: [],
  options: [
    PORT_BASE_OPTION,
    { flags: '--out <file>', help: 'write the report as JSON there' },
    { flags: '--json', help: 'print as JSON' },
  ],
  examples: ['./sonia drill alerts', './sonia drill alerts --port-base 8000   # beside a running stack'],
  async run(args, host) {
    const portBase = portBaseOf(textOption(args, 'portBase'), host)
    const home = await mkdtemp(join(tmpdir(), 'sonia-drill-'))
    const pager = await startPager({ port: 0, nowMs: () => host.clock.monotonicMs() })
    try {
      const say = (line: string) => host.stderr.write(`drill: ${line}\n`)
      const signal = host.interrupted
      const report = await drillAlerts({ repo: host.repository, home, portBase, host, pager, signal, say })
      const out = textOption(args, 'out')
      if (out !== undefined) writeWhole(join(host.cwd, out), `${JSON.stringify(report, null, 2)}\n`, 0o644)
      host.stdout.write(flagOption(args, 'json') ? `${JSON.stringify(report)}\n` : textOf(report))
      return report.passed ? EXIT_CODES.passed : EXIT_CODES.gateFailed
    } finally {
      await pager.stop()
      await rm(home, { recursive: true, force: true })
    }
  },
}

function textOf(report: AlertDrillReport): string {
  const width = Math.max(...report.alerts.map((entry) => entry.alert.length))
  const seconds = (ms: number | null) => (ms === null ? 'never' : `${(ms / 1_000).toFixed(1)} s`).padStart(7)
  const row = (entry: AlertOutcome) =>
    `${entry.alert.padEnd(width)} ${entry.severity.padEnd(8)} ${entry.cause.padEnd(7)} ${entry.receiver.padEnd(6)} ${seconds(entry.fired_after_ms)} ${seconds(entry.resolved_after_ms)}  ${entry.service}`
  const list = (title: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${title}: ${names.join(', ')}`]
  const { heartbeat } = report
  return [
    `${'alert'.padEnd(width)} severity cause   to      fired  resolved`,
    ...report.alerts.map(row),
    `Watchdog: ${heartbeat.beats_before} beats; silence noticed after ${seconds(heartbeat.silence_noticed_after_ms).trim()}, heard again after ${seconds(heartbeat.heard_again_after_ms).trim()}`,
    `Deliveries refused and repeated: ${report.refused_deliveries}`,
    ...list('Never drilled', report.not_drilled),
    ...list('Not inhibited', report.not_inhibited),
    ...list('Broken annotations', report.broken_annotations),
    report.passed ? 'PASS: every alert arrived and resolved.' : 'FAIL',
    '',
  ].join('\n')
}
