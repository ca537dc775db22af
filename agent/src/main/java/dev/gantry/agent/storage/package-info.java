/** What pods take of the disk, held against what they may take. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.storage;
