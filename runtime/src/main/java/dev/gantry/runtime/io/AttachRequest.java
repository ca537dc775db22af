package dev.gantry.runtime.io;

/**
 * Which container to attach to.
 *
 * @param stdin whether input will be sent; the container must have been created with stdin open
 * @param tty whether the container has a terminal
 */
public record AttachRequest(String containerId, boolean stdin, boolean tty) {}
