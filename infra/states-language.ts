/** A state machine in the Amazon States Language. */
export interface StateMachineDefinition {
  readonly Comment: string
  readonly StartAt: string
  readonly TimeoutSeconds?: number
  readonly States: Readonly<Record<string, State>>
}

/** A state, by the names of the language. */
export interface State {
  readonly Type: 'Task' | 'Map' | 'Choice' | 'Pass' | 'Succeed' | 'Fail'
  readonly [field: string]: unknown
}
