import { type CfnResource, type Stack, Validations } from 'aws-cdk-lib'
import { CfnManagedPolicy, CfnPolicy } from 'aws-cdk-lib/aws-iam'
import { rules } from 'cdk-nag'

interface Exception {
  /** Where, below the stack. */
  readonly path: RegExp
  /** The rule, with the finding for one that has several. */
  readonly finding: RegExp
  readonly reason: string
}

/** What cdk-nag's AwsSolutions rules say of the stack and is meant so. Anything else that they find fails the synthesis. */
const EXCEPTIONS: readonly Exception[] = [
  {
    path: /^Storage\/(Archive|Table)\//,
    finding: /^AwsSolutions-S1$/,
    reason:
      'Runs read an archive in tens of millions of ranges: access logs would cost as much as the reads. Objects are versioned, tasks log what they read and wrote, and CloudTrail data events can be turned on for the account.',
  },
  {
    path: /^(Roles\/\w+|Workflow\/Role)\//,
    finding: /^AwsSolutions-IAM5\[Resource::(<StorageTable\w+\.Arn>|<StorageArchive\w+\.Arn>|arn:<AWS::Partition>:s3:::[\w.-]+)\/.+\]$/,
    reason:
      'Tables and archives lie below any prefix of their bucket, and names of runs, parts, receipts and versions are made at run time. The pattern is what narrows the role (roles.ts), and only in the buckets of this stack.',
  },
  {
    path: /^Submitter\//,
    finding: /^AwsSolutions-IAM5\[/,
    reason:
      'Runs, their executions and their documents are named when they are submitted, below any prefix; lists of jobs and quotas have no resources. What it may write, it may only create.',
  },
  {
    path: /^Compute\/Execution\//,
    finding: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    reason: 'ecr:GetAuthorizationToken is for a registry as a whole: it has no resource.',
  },
  {
    path: /^Workflow\/Role\//,
    finding: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    reason:
      'batch:DescribeJobs, ListJobs and TerminateJob, with which Step Functions waits for a job, or ends it, the delivery of logs, and X-Ray have no resources.',
  },
  {
    path: /^Workflow\/Role\//,
    finding: /^AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:batch:.+:job-definition\/[\w-]+-\*\]$/,
    reason: 'A run that began before a deployment goes on with its own revisions of the job definitions.',
  },
  {
    path: /^Workflow\/Children\//,
    finding: /^AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:states:.+:execution:[\w-]+-run\/\*\]$/,
    reason: 'The children of a Map are executions of the machine itself, named when they start.',
  },
  {
    path: /^(Monitoring\/QueueWatch\/Role|Schedule\/StarterRole|Sweep\/Role)\//,
    finding: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    reason:
      'batch:ListJobs and TerminateJob, cloudwatch:PutMetricData (narrowed to one namespace), the delivery of logs, and X-Ray have no resources.',
  },
  {
    path: /^Compute\/Instance\//,
    finding: /^AwsSolutions-IAM4\[Policy::.+AmazonEC2ContainerServiceforEC2Role\]$/,
    reason: "AWS's policy of the ECS agent, which changes with the agent. Containers cannot reach the instance's role.",
  },
]

/** The rules that are excepted at all, but for the one on wildcards, which has a finding for each. */
const OTHER_RULES = {
  'AwsSolutions-S1': rules.s3.S3BucketLoggingEnabled,
  'AwsSolutions-IAM4': rules.iam.IAMNoManagedPolicies,
}

/** Acknowledges the exceptions where they apply; each finding on its own, as cdk-nag wants it. */
export function acceptFindings(stack: Stack): void {
  for (const node of stack.node.findAll()) {
    if (!('cfnResourceType' in node)) continue
    const resource = node as CfnResource
    const path = resource.node.path.slice(stack.node.path.length + 1)
    for (const id of findingsOf(resource)) {
      const exception = EXCEPTIONS.find((each) => each.path.test(path) && each.finding.test(id))
      if (exception !== undefined) Validations.of(resource).acknowledge({ id: `AwsSolutions::${id}`, reason: exception.reason })
    }
  }
}

function findingsOf(resource: CfnResource): string[] {
  const named = (rule: string, result: unknown): string[] => {
    if (Array.isArray(result)) return result.map((finding) => `${rule}[${finding}]`)
    return result === 'Non-Compliant' ? [rule] : []
  }
  const found = Object.entries(OTHER_RULES).flatMap(([rule, judge]) => named(rule, judge(resource)))
  return resource instanceof CfnPolicy || resource instanceof CfnManagedPolicy
    ? [...found, ...named('AwsSolutions-IAM5', rules.iam.IAMNoWildcardPermissions(resource))]
    : found
}
