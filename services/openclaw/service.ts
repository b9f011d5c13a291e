import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { dirname, join } from 'node:path'
import { defineService } from '#chassis/define-service.ts'
import type { Health } from '#chassis/health.ts'
import type { Logger } from '#chassis/logging.ts'
import { findRenderer } from './browser/find-renderer.ts'
import { isOnOwnNetwork } from './browser/own-networks.ts'
import { openclawConfig } from './config.ts'
import { openAuditLog } from './execution/audit-log.ts'
import { type AnyTool, createExecutor } from './execution/execute.ts'
import { policyClient } from './execution/policy-client.ts'
import { verifyAuditLog } from './execution/verify-audit.ts'
import { createFilesInUse } from './files/files-in-use.ts'
import { addExecuteRoute } from './routes/execute.ts'
import { addExecutionLogRoute } from './routes/execution-log.ts'
import { addToolRoutes } from './routes/tools.ts'
import { browserUser, prepareSandbox } from './sandbox.ts'
import { browserOpen } from './toolbox/browser-open.ts'
import { fileRead } from './toolbox/file-read.ts'
import { fileWrite } from './toolbox/file-write.ts'
import { shellRun } from './toolbox/shell-run.ts'
import { TOOL_NAMES } from './toolbox/tool.ts'

/** The tools, behind policy, audit and containment. */
export const service = defineService({
  name: 'openclaw',
  config: openclawConfig,
  setup: async ({ app, config, settings, paths, log, metrics, neighbours, health, clock, onStop }) => {
    const makeId = () => randomBytes(12).toString('hex')
    const inUse = createFilesInUse()
    const sandbox = await prepareSandbox({
      path: settings.sandboxRoot,
      ownFolders: [paths.config, dirname(paths.data), paths.logs, paths.run],
      config: config.shell,
      health,
      inUse,
    })
    onStop('sandbox root', sandbox.close)
    for (const problem of sandbox.problems) {
      log.warn({ operation: 'containment.find', problem }, 'a means of containment does not work here')
    }
    const auditPath = join(paths.data, 'execution.log')
    const audit = await openAuditLog({ path: auditPath, nowMs: () => clock.nowMs() })
    onStop('audit log', audit.close)
    void watchChain(auditPath, health, log)

    const rules = {
      allowedOrigins: new Set(config.browser.allowed_origins),
      resolve: (host: string) => lookup(host, { all: true, verbatim: true }),
      isOwn: (address: string) => isOnOwnNetwork(address),
    }
    const renderer =
      config.browser.engine === 'http'
        ? null
        : findRenderer({
            folder: paths.data,
            rules,
            containment: sandbox.containment,
            user: browserUser(sandbox.owner),
            monotonicMs: () => clock.monotonicMs(),
            onTrouble: (message) => health.degrade('browser', message),
          })
    if (renderer !== null) onStop('browser', renderer.close)
    const onRenderFailure = (error: unknown) => {
      log.warn(
        { operation: 'browser.render', error: String(error).slice(0, 500) },
        'page loaded without the browser',
      )
    }
    const enabled: readonly (AnyTool | null)[] = [
      config.shell.enabled ? shellRun(sandbox.shell) : null,
      config.file_tools.enabled ? fileRead(sandbox.root) : null,
      config.file_tools.enabled ? fileWrite(sandbox.root, { makeId, owner: sandbox.owner, inUse }) : null,
      config.browser.enabled ? browserOpen({ rules, renderer, onRenderFailure }) : null,
    ]
    const tools = new Map(enabled.filter((tool) => tool !== null).map((tool) => [tool.name, tool]))

    const executions = metrics.counter('sonia_tool_executions_total')
    const durations = metrics.histogram('sonia_tool_duration_seconds')
    const execute = createExecutor({
      tools,
      policy: policyClient(neighbours),
      audit,
      makeId,
      monotonicMs: () => clock.monotonicMs(),
      observe: ({ tool, outcome, durationMs }) => {
        const labels = { tool: (TOOL_NAMES as readonly string[]).includes(tool) ? tool : 'other', outcome }
        executions.inc(labels)
        durations.observe(labels, durationMs / 1000)
      },
      onAuditFailure: () => health.degrade('audit', 'The audit log cannot be written'),
    })
    addExecuteRoute(app, execute)
    addToolRoutes(app, tools)
    addExecutionLogRoute(app, audit)
  },
})

/** Looks at the whole chain once, beside the start: a large log must not delay it. */
async function watchChain(path: string, health: Health, log: Logger): Promise<void> {
  try {
    const { problem } = await verifyAuditLog(path)
    if (problem === null) return
    health.degrade('audit-chain', 'The execution log was tampered with or damaged')
    log.error({ operation: 'audit.verify', problem }, 'the execution log does not hold together')
  } catch (error) {
    log.error({ operation: 'audit.verify', problem: String(error) }, 'the execution log could not be checked')
  }
}
