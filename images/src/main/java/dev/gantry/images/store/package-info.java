/**
 * The store on disk.
 *
 * <pre>
 * lock                          held (flock) by the process that uses the store
 * format                        "1"
 * blobs/&lt;algorithm&gt;-&lt;hex&gt;       indexes, manifests and configs; verified whenever read
 * layers/&lt;n&gt;                    an unpacked layer; n is short, because lowerdir= must fit one page
 * chains/&lt;algorithm&gt;-&lt;hex&gt;      "n parent bytes inodes": this chain id is unpacked in layers/n, which is complete
 * pending/&lt;boot&gt;.&lt;chain&gt;        this layer was written during that boot and may not have reached the disk
 * images/&lt;algorithm&gt;-&lt;hex&gt;      "loadedAt pinned": this config's image is complete
 * names/&lt;hash of the name&gt;      "image target name"
 * snapshots/&lt;container&gt;/        upper, work, and "from": "image n"
 * staging/, trash/              what is being made, what is being deleted
 * </pre>
 *
 * <p>Records are the targets of symbolic links: a link comes into being with its text, so no crash leaves half a record.
 * Whatever no record speaks of was not finished and is removed by the next start.
 */
@NullMarked
package dev.gantry.images.store;

import org.jspecify.annotations.NullMarked;
