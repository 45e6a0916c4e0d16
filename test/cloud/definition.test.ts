import fs from 'node:fs'
import path from 'node:path'
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn'
import { beforeAll, expect, test } from 'vitest'
import { synthesize } from '../../localstack/deployment.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeCloud } from './cloud.ts'

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> }>>
}

describeCloud('what is deployed to LocalStack', (cloud) => {
  const folder = path.join(temporaryFolder('cloud-definition'), 'cdk.out')
  let aws: Template

  beforeAll(async () => {
    await synthesize(folder, { account: '111122223333', region: 'eu-west-1' })
    aws = templateIn(folder)
  })

  test('is the state machine for AWS: the same text, but for the names of what it uses', async () => {
    const { definition } = await new SFNClient({}).send(new DescribeStateMachineCommand({ stateMachineArn: cloud.outputs.StateMachineArn }))
    const [separator, parts] = definitionOf(aws) as readonly [string, readonly (string | object)[]]
    expect(separator).toBe('')
    const pattern = parts.map((part) => (typeof part === 'string' ? RegExp.escape(part) : '[A-Za-z0-9:/_.-]+')).join('')
    expect(definition).toMatch(new RegExp(`^${pattern}$`))
    expect(definitionOf(templateIn(cloud.template))).toEqual([separator, parts])
  })

  test('is the template for AWS, but for account and region', () => {
    const strip = (template: Template): unknown =>
      JSON.parse(
        JSON.stringify(template)
          .replaceAll(/111122223333|000000000000/g, 'ACCOUNT')
          .replaceAll(/eu-west-1|us-east-1/g, 'REGION'),
      )
    expect(strip(templateIn(cloud.template))).toEqual(strip(aws))
  })

  function templateIn(out: string): Template {
    return JSON.parse(fs.readFileSync(path.join(out, `${cloud.stack}.template.json`), 'utf8')) as Template
  }

  function definitionOf(template: Template): unknown {
    const machine = Object.values(template.Resources).find((resource) => resource.Type === 'AWS::StepFunctions::StateMachine')!
    const text = machine.Properties.DefinitionString as { 'Fn::Join': unknown }
    return text['Fn::Join']
  }
})
