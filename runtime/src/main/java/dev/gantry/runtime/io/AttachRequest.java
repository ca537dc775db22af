package dev.gantry.runtime.io;

/**
 * Which container to attach to.
 *
 * @param stdin whether input will be sent; the container must have been created with stdin open
 */
public record AttachRequest(String containerId, boolean stdin) {}
