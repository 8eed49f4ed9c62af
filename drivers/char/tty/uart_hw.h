/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the 16550 UART (National PC16550D data sheet, section 8). */
#ifndef TTY_UART_HW_H
#define TTY_UART_HW_H

#define UART_DATA 0 /* RBR, THR; divisor low with DLAB */
#define UART_IER  1 /* divisor high with DLAB */
#define UART_IIR  2 /* FCR when written */
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
#define UART_MSR  6
#define UART_SCR  7

#define IER_RX 0x01
#define IER_TX 0x02

#define IIR_NONE  0x01 /* no interrupt is pending */
#define IIR_ID    0x0e
#define IIR_LEVEL 0x04 /* received data: the FIFO holds the trigger level */

#define FCR_ENABLE   0x01
#define FCR_LEVEL_14 0xc0
#define FIFO_LEVEL   14
#define FIFO_BYTES   16

#define LCR_8N1  0x03
#define LCR_DLAB 0x80
#define MCR_DTR  0x01
#define MCR_RTS  0x02
#define MCR_OUT2 0x08 /* lets the interrupt out */
#define LSR_DR   0x01
#define LSR_THRE 0x20

#endif
