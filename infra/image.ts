import * as ecr from 'aws-cdk-lib/aws-ecr'
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets'
import type * as iam from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { ReplayError } from '../core/errors.ts'
import type { ImageContent } from '../functions/assemble.ts'
import type { Settings } from './settings.ts'

/**
 * The image of all containers: built and pushed by the deployment, under the hash of its content as its tag, in the repository that the
 * bootstrap made, where no tag can be set to something else; or one that was built elsewhere.
 */
export class Image extends Construct {
  readonly uri: string
  /** The engine in it; null: of an image that was built elsewhere. */
  readonly engine: string | null
  readonly #repository: ecr.IRepository

  /** @param content what it is made of; null: the settings name a repository */
  constructor(scope: Construct, { repository, imageTag, architecture }: Settings, content: ImageContent | null) {
    super(scope, 'Image')
    if (repository !== null) {
      this.#repository = ecr.Repository.fromRepositoryName(this, 'Repository', repository)
      this.uri = this.#repository.repositoryUriForTagOrDigest(imageTag)
      this.engine = null
      return
    }
    if (content === null)
      throw new ReplayError('stack-image', 'expected what the image is made of, as no repository is named', { category: 'bug' })
    const platform = architecture === 'ARM64' ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64
    const asset = new DockerImageAsset(this, 'Asset', { directory: content.folder, platform, displayName: 'chronicle-replay' })
    this.#repository = asset.repository
    this.uri = asset.imageUri
    this.engine = content.engine
  }

  get repositoryArn(): string {
    return this.#repository.repositoryArn
  }

  grantPull(to: iam.IGrantable): void {
    this.#repository.grantPull(to)
  }
}
