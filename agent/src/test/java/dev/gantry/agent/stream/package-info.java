/** Tests of streams to another runtime's containers. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.stream;
