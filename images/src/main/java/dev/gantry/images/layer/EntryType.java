package dev.gantry.images.layer;

/** What an entry of a tar becomes. */
public enum EntryType {
    FILE,
    HARD_LINK,
    SYMLINK,
    CHARACTER_DEVICE,
    BLOCK_DEVICE,
    DIRECTORY,
    FIFO
}
