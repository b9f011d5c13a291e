import { portAt, WATCH_PORTS } from '#catalog'
import { homeOf, portBaseOf, secondsOf } from '#ops/command-settings.ts'
import { findGrafana } from '#ops/grafana.ts'
import { startOptions } from '#ops/preflight/options.ts'
import { refuseFailedPreflight } from '#ops/preflight/refuse-start.ts'
import { servicePorts } from '#ops/service-programs.ts'
import { type UpOutcome, bringUp } from '#ops/up.ts'
import { watchPorts } from '#ops/watch.ts'
import { type CommandDefinition, flagOption, textOption } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { HOME_OPTION, PORT_BASE_OPTION } from '../state-options.ts'
import { wireNames } from '../wire-names.ts'

const SCRAPE_SECONDS = 15

export const command: CommandDefinition = {
  name: 'up',
  summary: 'start the six services and what watches them, and leave them running',
  arguments: [],
  options: [
    PORT_BASE_OPTION,
    { flags: '--scrape <seconds>', help: `how often Prometheus looks (default: ${SCRAPE_SECONDS})` },
    HOME_OPTION,
    { flags: '--json', help: 'print as JSON' },
  ],
  examples: ['./sonia up', './sonia up --port-base 8000   # beside another stack'],
  async run(args, host) {
    const json = flagOption(args, 'json')
    const outcome = await bringUp({
      repo: host.repository,
      home: homeOf(host),
      portBase: portBaseOf(textOption(args, 'portBase'), host),
      insistsOnPorts: textOption(args, 'portBase') !== undefined,
      scrapeIntervalSeconds: secondsOf(textOption(args, 'scrape'), SCRAPE_SECONDS, '--scrape'),
      host,
      interrupted: host.interrupted,
      interruptedTwice: host.interruptedTwice,
      say: (line) => host.stderr.write(`${line}\n`),
      preflight: (folders) => refuseFailedPreflight(startOptions(host, folders)),
    })
    const hasGrafana = (await findGrafana(host.env)) !== undefined
    host.stdout.write(json ? `${JSON.stringify(jsonOf(outcome))}\n` : textOf(outcome, host, hasGrafana))
    return EXIT_CODES.passed
  },
}

function jsonOf({ record, wasRunning }: UpOutcome) {
  const { run_id, port_base, start_ready_ms, started_at } = record
  const ports = wireNames({ ...servicePorts(port_base), ...watchPorts(port_base) })
  const startReadyMs = start_ready_ms === null ? null : Math.round(start_ready_ms)
  return { run_id, started_at, start_ready_ms: startReadyMs, port_base, was_running: wasRunning, ports }
}

function textOf({ record, wasRunning }: UpOutcome, host: Host, hasGrafana: boolean): string {
  const services = servicePorts(record.port_base)
  const watch = watchPorts(record.port_base)
  const seconds = ((record.start_ready_ms ?? 0) / 1_000).toFixed(2)
  const gateway = `http://127.0.0.1:${services['api-gateway']}`
  const rows = [
    ...Object.entries(services),
    ['prometheus', watch.prometheus],
    ['alertmanager', watch.alertmanager],
    ...(hasGrafana ? [['grafana', portAt(WATCH_PORTS.grafana, record.port_base)]] : []),
  ]
  return [
    wasRunning
      ? `Already running since ${record.started_at} (${record.run_id}).`
      : `Six services ready in ${seconds} s (${record.run_id}).`,
    '',
    ...rows.map(([name, port]) => `  ${String(name).padEnd(14)} http://127.0.0.1:${port}`),
    '',
    'Say something:',
    `  curl -s ${gateway}/v1/chat -H 'content-type: application/json' -d '{"message": "hello"}'`,
    '',
    `Or talk to it in a browser: http://127.0.0.1:${services['pipecat']}`,
    '',
    `State and logs: ${homeOf(host)}`,
    'Then: ./sonia status, ./sonia logs --follow, ./sonia down',
    '',
  ].join('\n')
}
